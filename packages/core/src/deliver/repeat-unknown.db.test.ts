import { newId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress, type Egress } from '@lettergate/egress/egress'
import { createCapture } from '@lettergate/providers/capture/index'
import type { OutboundMessage, Provider, SendOutcome } from '@lettergate/providers/provider'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildMessage, noSecrets } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { createAcceptor } from '../accept/index.ts'
import { type Claim, claimMessages, FIRST_TENANT } from '../dispatch/index.ts'
import { noFailpoint } from '../lib/index.ts'
import type { Router } from '../routing/index.ts'
import { createDeliverer } from './deliver.ts'
import { createRecorder } from './record.ts'

const WINDOW_MS = 24 * 3_600_000
const CONNECTION = newId()
const unknown: SendOutcome = { kind: 'unknown', code: 'outcome-unknown', reason: 'no answer' }
const accepted: SendOutcome = { kind: 'accepted', providerMessageId: 'p-1' }

let db: TestDatabase
let egress: Egress
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
  egress = createEgress({ allow: [] })
})
afterEach(() => egress.close())
afterAll(() => db.drop())

/** One accepted message, and a provider that knows its keys for a day and gives the answers of the test, attempt by attempt. */
async function setUp(...answers: SendOutcome[]) {
  const onError = () => {}
  const tenantId = await buildTenant(db.pool)
  const acceptor = createAcceptor({ pool: db.pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError })
  await acceptor.accept({ id: tenantId, mode: 'live' }, { messages: [buildMessage()] })
  const sent: OutboundMessage[] = []
  const capture = createCapture()
  const provider: Provider = {
    ...capture,
    capabilities: { ...capture.capabilities, idempotencyWindowMs: WINDOW_MS },
    send: async (message) => {
      sent.push(message)
      return answers[sent.length - 1] ?? accepted
    },
  }
  const wanted: (string | null)[] = []
  const usable = { current: true }
  const router: Router = {
    route: async ({ connectionId }) => {
      wanted.push(connectionId)
      if (!usable.current) return { kind: 'none', reason: 'the connection is gone' }
      const connection = { id: 'c', credentials: {}, settings: {} }
      const candidates = [{ provider, connectionId: CONNECTION, connection }]
      return { kind: 'candidates', rule: 'priority', routeId: null, candidates }
    },
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
  async function tryOnce(): Promise<void> {
    await db.pool.query({ text: "update outbox set state = 'ready'" })
    for (const one of await claim()) await deliverer.deliver(one)
  }
  return { tryOnce, sent, wanted, usable }
}

async function claim(): Promise<Claim[]> {
  const options = { depth: 100, afterTenant: FIRST_TENANT, tenantsMax: 50, leaseMs: 60_000 }
  return (await claimMessages(db.pool, options)).claims
}

/** The state of the message: its status, whether work is left, and the count in the quota. */
async function state(): Promise<{ status: string; waits: boolean; counted: number } | undefined> {
  const { rows } = await db.pool.query<{ status: string; waits: boolean; counted: number }>({
    text: 'select r.status, exists (select from outbox) as waits, u.accepted as counted from recipient r, usage u',
  })
  return rows[0]
}

/** Lets so much time pass for everything that was written. */
async function passTime(hours: number): Promise<void> {
  const by = `interval '${hours} hours'`
  await db.pool.query({ text: `update attempt set started_at = started_at - ${by}` })
  await db.pool.query({ text: `update outbox set first_due_at = first_due_at - ${by}` })
}

test('a repeat has the key of the first attempt, and uses the connection that may have accepted it', async () => {
  const { tryOnce, sent, wanted } = await setUp(unknown, accepted)
  await tryOnce()
  expect(await state()).toEqual({ status: 'deferred', waits: true, counted: 1 })
  await tryOnce()
  expect(sent[1]).toEqual(sent[0])
  expect(wanted).toEqual([null, CONNECTION])
  expect(await state()).toEqual({ status: 'sent', waits: false, counted: 1 })
})

test('the time in which a provider knows a key begins with the first attempt that it may have accepted', async () => {
  const { tryOnce, sent } = await setUp(unknown, unknown, accepted)
  await tryOnce()
  await passTime(23)
  await tryOnce()
  expect(await state()).toMatchObject({ status: 'deferred' })
  await passTime(2)
  await tryOnce()
  expect(sent).toHaveLength(2)
  expect(await state()).toEqual({ status: 'unknown', waits: false, counted: 1 })
})

test('a repeat that comes too late, for any reason, is not sent', async () => {
  const { tryOnce, sent } = await setUp(unknown, accepted)
  await tryOnce()
  await passTime(25)
  await tryOnce()
  expect(sent).toHaveLength(1)
  expect(await state()).toEqual({ status: 'unknown', waits: false, counted: 1 })
})

test('a refusal of the repeat does not change the first attempt: unknown, and still counted', async () => {
  const { tryOnce } = await setUp(unknown, {
    kind: 'rejected',
    scope: 'message',
    code: 'message-refused',
    reason: 'no',
  })
  await tryOnce()
  await tryOnce()
  expect(await state()).toEqual({ status: 'unknown', waits: false, counted: 1 })
})

test('when the connection of the first attempt is deleted, no other connection sends a repeat', async () => {
  const { tryOnce, sent, usable } = await setUp(unknown, accepted)
  await tryOnce()
  usable.current = false
  await tryOnce()
  expect(sent).toHaveLength(1)
  expect(await state()).toEqual({ status: 'unknown', waits: false, counted: 1 })
})

test('a tenant that retries an unknown message accepts a possible second copy', async () => {
  const { tryOnce, sent, wanted } = await setUp(unknown, accepted)
  await tryOnce()
  await passTime(25)
  await db.pool.query({ text: 'update outbox set first_due_at = now()' })
  await tryOnce()
  expect(sent).toHaveLength(2)
  expect(wanted).toEqual([null, null])
  expect(await state()).toMatchObject({ status: 'sent' })
})

test('a refused retry by the tenant refunds nothing: the first attempt may have been accepted', async () => {
  const { tryOnce, sent } = await setUp(unknown, {
    kind: 'rejected',
    scope: 'message',
    code: 'message-refused',
    reason: 'no',
  })
  await tryOnce()
  await passTime(25)
  await db.pool.query({ text: 'update outbox set first_due_at = now()' })
  await tryOnce()
  expect(sent).toHaveLength(2)
  expect(await state()).toMatchObject({ status: 'unknown' })
  const { rows } = await db.pool.query({ text: 'select accepted from usage' })
  expect(rows).toEqual([{ accepted: 1 }])
})
