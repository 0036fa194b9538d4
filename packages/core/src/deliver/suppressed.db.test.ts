import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress, type Egress } from '@lettergate/egress/egress'
import { parseCapture } from '@lettergate/providers/capture/events'
import { createCapture } from '@lettergate/providers/capture/index'
import type { OutboundMessage, Provider, SendOutcome } from '@lettergate/providers/provider'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildMessage, noSecrets } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { createAcceptor } from '../accept/index.ts'
import { claimMessages, FIRST_TENANT } from '../dispatch/index.ts'
import { noFailpoint } from '../lib/index.ts'
import type { Router } from '../routing/index.ts'
import { createDeliverer } from './deliver.ts'
import { createRecorder } from './record.ts'

const CONNECTION = newId()
const accepted: SendOutcome = { kind: 'accepted', providerMessageId: 'p-1' }
const deferred: SendOutcome = { kind: 'deferred', code: 'recipient-deferred', reason: '451 later' }
const unknown: SendOutcome = { kind: 'unknown', code: 'outcome-unknown', reason: 'no answer' }

let db: TestDatabase
let egress: Egress
beforeAll(async () => {
  db = await createTestDatabase()
})
beforeEach(() => {
  egress = createEgress({ allow: [] })
})
afterEach(() => egress.close())
afterAll(() => db.drop())

type Setting = {
  onUnknown?: 'hold' | 'resend'
  windowMs?: number
  answers?: SendOutcome[]
  isPlain?: boolean
}

/** A tenant, a worker's deliverer, and a provider that answers as the test says, attempt by attempt; `isPlain`: the capture provider itself. */
async function setUp({ onUnknown, windowMs = 0, answers = [], isPlain = false }: Setting = {}) {
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const tenantId = await buildTenant(db.pool, { dailyLimit: 100, ...(onUnknown && { onUnknown }) })
  const acceptor = createAcceptor({ pool: db.pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError })
  const sent: OutboundMessage[] = []
  const capture = createCapture()
  const provider: Provider = isPlain
    ? capture
    : {
        ...capture,
        id: 'smtp',
        capabilities: { ...capture.capabilities, idempotencyWindowMs: windowMs },
        send: async (message) => {
          sent.push(message)
          return answers[sent.length - 1] ?? accepted
        },
      }
  const router: Router = {
    route: async () => ({
      kind: 'candidates',
      rule: 'priority',
      routeId: null,
      candidates: [
        { provider, connectionId: CONNECTION, connection: { id: 'c', credentials: {}, settings: {} } },
      ],
    }),
  }
  const deliverer = createDeliverer({
    pool: db.pool,
    tenants: db.tenants,
    router,
    egress,
    secrets: noSecrets,
    slots: 20,
    onError,
    recorder: createRecorder({ pool: db.pool, onError }),
    failpoint: noFailpoint,
    onAttempt: () => {},
  })
  /** Everything of the tenant that waits is due now, and is carried on once. */
  async function carryOn(): Promise<void> {
    await db.pool.query({
      text: "update outbox set state = 'ready', due_at = now() where tenant_id = $1",
      values: [tenantId],
    })
    const options = { depth: 100, afterTenant: FIRST_TENANT, tenantsMax: 1_000, leaseMs: 60_000 }
    const { claims } = await claimMessages(db.pool, options)
    for (const claim of claims) if (claim.tenantId === tenantId) await deliverer.deliver(claim)
    expect(errors).toEqual([])
  }
  async function accept(change: Parameters<typeof buildMessage>[0]): Promise<string> {
    const outcome = await acceptor.accept(
      { id: tenantId, mode: 'live' },
      { messages: [buildMessage(change)] },
    )
    if (outcome.kind !== 'accepted' || !outcome.messages[0]) throw new Error('not accepted')
    return outcome.messages[0].id
  }
  const suppress = (address: string, stream = '*') =>
    db.pool.query({
      text: `insert into suppression (tenant_id, mode, address, stream, reason) values ($1, 'live', $2, $3, 'complaint')`,
      values: [tenantId, address, stream],
    })
  async function all<R extends object>(text: string): Promise<R[]> {
    return (await db.pool.query<R>({ text, values: [tenantId] })).rows
  }
  const statuses = () =>
    all('select address, status from recipient where tenant_id = $1 order by message_id, position')
  const counted = async () =>
    (await all<{ n: number }>('select accepted::int as n from usage where tenant_id = $1'))[0]?.n
  const waiting = async () => (await all('select from outbox where tenant_id = $1')).length
  return { tenantId, accept, suppress, carryOn, sent, statuses, counted, waiting, all }
}

const to = (...names: string[]) => names.map((name) => ({ address: `${name}@example.net` }))
const at = (name: string, status: string) => ({ address: `${name}@example.net`, status })

test('a message that was accepted with some suppressed recipients goes to the others alone', async () => {
  const { accept, suppress, carryOn, sent, statuses, counted } = await setUp()
  await suppress('ann@example.net')
  await accept({ to: to('Ann', 'bob', 'cid') })
  expect(await counted()).toBe(2)
  await carryOn()
  expect(sent.map(({ envelopeTo }) => envelopeTo)).toEqual([['bob@example.net', 'cid@example.net']])
  expect(await statuses()).toEqual([at('Ann', 'suppressed'), at('bob', 'sent'), at('cid', 'sent')])
})

test('an address that is suppressed after its message was accepted gets no mail, and its quota is given back', async () => {
  const { accept, suppress, carryOn, sent, statuses, counted, waiting, all } = await setUp()
  await accept({ to: to('ann', 'bob') })
  await suppress('ann@example.net')
  await carryOn()
  expect(sent).toEqual([])
  expect(await statuses()).toEqual([at('ann', 'suppressed'), at('bob', 'queued')])
  expect([await counted(), await waiting()]).toEqual([1, 1])
  await carryOn()
  expect(sent.map(({ envelopeTo }) => envelopeTo)).toEqual([['bob@example.net']])
  expect([await counted(), await waiting()]).toEqual([1, 0])
  const events = await all('select type from event where tenant_id = $1 order by seq')
  expect(events).toEqual([{ type: 'recipient.suppressed' }, { type: 'recipient.sent' }])
})

test('where all recipients are suppressed before the attempt, there is none', async () => {
  const { accept, suppress, carryOn, sent, statuses, counted, waiting, all } = await setUp()
  await accept({ to: to('ann') })
  await suppress('ann@example.net')
  await carryOn()
  expect([sent, await statuses()]).toEqual([[], [at('ann', 'suppressed')]])
  expect([await counted(), await waiting()]).toEqual([0, 0])
  expect(await all('select from attempt where tenant_id = $1')).toEqual([])
})

test('scheduled mail is looked up again at its time, by its own stream', async () => {
  const { accept, suppress, carryOn, sent, statuses } = await setUp()
  const sendAt = new Date(Date.now() + 3_600_000)
  await accept({ to: to('ann'), sendAt, stream: 'bulk' })
  await accept({ to: to('ann'), sendAt })
  await suppress('ann@example.net', 'bulk')
  await db.pool.query({ text: "update suppression set created_at = now() - interval '30 seconds'" })
  await carryOn()
  expect(sent).toHaveLength(1)
  expect(await statuses()).toEqual([at('ann', 'suppressed'), at('ann', 'sent')])
})

test('mail that is retried is looked up again', async () => {
  const { accept, suppress, carryOn, sent, statuses, counted } = await setUp({ answers: [deferred] })
  await accept({ to: to('ann', 'bob') })
  await carryOn()
  await suppress('bob@example.net')
  await carryOn()
  await carryOn()
  expect(sent.map(({ envelopeTo }) => envelopeTo)).toEqual([
    ['ann@example.net', 'bob@example.net'],
    ['ann@example.net'],
  ])
  expect(await statuses()).toEqual([at('ann', 'sent'), at('bob', 'suppressed')])
  expect(await counted()).toBe(1)
})

test.each([
  ['is not repeated for any of its recipients', { windowMs: 86_400_000 }, ['unknown', 'unknown'], 1],
  ['is not resent to the suppressed one', { onUnknown: 'resend' as const }, ['unknown', 'sent'], 2],
])('an attempt that may have been accepted %s, who stays counted', async (_, setting, ends, calls) => {
  const { accept, suppress, carryOn, sent, statuses, counted } = await setUp({
    ...setting,
    answers: [unknown],
  })
  await accept({ to: to('ann', 'bob') })
  await carryOn()
  await suppress('ann@example.net')
  await carryOn()
  await carryOn()
  expect(sent).toHaveLength(calls)
  expect(await statuses()).toEqual([at('ann', ends[0] ?? ''), at('bob', ends[1] ?? '')])
  expect(await counted()).toBe(2)
})

const refusal = (name: string, code: 'recipient-refused' | 'message-refused', reason: string) => ({
  address: `${name}@example.net`,
  kind: 'rejected' as const,
  code,
  reason,
})

test('a refusal because the mailbox does not exist puts the address on the list; no other refusal does', async () => {
  const refused = [
    refusal('Gone', 'recipient-refused', '550 5.1.1 no such user'),
    refusal('full', 'recipient-refused', '552 5.2.2 mailbox full'),
    refusal('words', 'recipient-refused', '550 no such user here'),
    refusal('policy', 'message-refused', '550 5.1.1 refused for its content'),
  ]
  const { accept, carryOn, all } = await setUp({ answers: [{ ...accepted, refused }] })
  const messageId = await accept({ to: to('Gone', 'full', 'words', 'policy', 'good') })
  await carryOn()
  const entries = 'select address, stream, reason, message_id from suppression where tenant_id = $1'
  expect(await all(entries)).toEqual([
    { address: 'gone@example.net', stream: '*', reason: 'hard_bounce', message_id: messageId },
  ])
})

test('a refusal of our own account or address never does, nor one of the message as a whole', async () => {
  const answers: SendOutcome[] = [
    { kind: 'rejected', scope: 'account', code: 'provider-sender-refused', reason: '550 5.1.1 sender' },
    { kind: 'rejected', scope: 'message', code: 'message-refused', reason: '550 5.1.1 content' },
  ]
  const { accept, carryOn, all } = await setUp({ answers })
  await accept({ to: to('ann') })
  await carryOn()
  await carryOn()
  expect(await all('select from suppression where tenant_id = $1')).toEqual([])
})

test('captured mail leaves what its provider reports a second later, in the transaction that records it as sent', async () => {
  const { accept, carryOn, all } = await setUp({ isPlain: true })
  const recipients = ['ann@example.net', 'opened@sandbox.lettergate.dev', 'rejected@sandbox.lettergate.dev']
  const id = await accept({ to: recipients.map((address) => ({ address })) })
  await carryOn()
  type Raw = { connection_id: string; provider: string; body: Buffer; in_ms: number }
  const raws = await all<Raw>(`
    select e.connection_id, e.provider, e.body, extract(epoch from d.due_at - now())::float8 * 1000 as in_ms
    from provider_event e join provider_event_due d using (id) where e.tenant_id = $1`)
  expect(raws).toMatchObject([{ connection_id: CONNECTION, provider: 'capture' }])
  const [raw] = raws
  if (!raw) throw new Error('no report')
  expect(raw.in_ms).toBeLessThanOrEqual(1_000)
  const { events } = parseCapture({ body: raw.body }, new Date())
  expect(events.map(({ kind, recipient, messageId }) => [kind, recipient, messageId])).toEqual([
    ['delivered', recipients[0], toPublicId('msg', id)],
    ['delivered', recipients[1], toPublicId('msg', id)],
    ['opened', recipients[1], toPublicId('msg', id)],
  ])
  // `rejected@` is no bad address of anybody.
  expect(await all('select from suppression where tenant_id = $1')).toEqual([])
})

test('deferred@ is deferred twice within seconds, then sent; unknown@ stays unknown', async () => {
  const { accept, carryOn, statuses, all } = await setUp({ isPlain: true })
  const [waits, lost] = ['deferred+1@sandbox.lettergate.dev', 'unknown@sandbox.lettergate.dev']
  await accept({ to: [{ address: waits }] })
  await accept({ to: [{ address: lost }] })
  const soon = async () =>
    await all<{ soon: boolean }>(
      "select due_at < now() + interval '2 seconds' as soon from outbox where tenant_id = $1",
    )
  for (const _ of [1, 2]) {
    await carryOn()
    expect(await statuses()).toEqual([
      { address: waits, status: 'deferred' },
      { address: lost, status: 'unknown' },
    ])
    expect(await soon()).toEqual([{ soon: true }])
  }
  await carryOn()
  expect(await statuses()).toMatchObject([{ status: 'sent' }, { status: 'unknown' }])
})
