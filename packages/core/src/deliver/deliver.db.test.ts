import { createSecretKey, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createFakeEgress } from '@lettergate/egress/test/fake-egress'
import { createCapture } from '@lettergate/providers/capture/index'
import type { OutboundMessage, Provider, SendOutcome } from '@lettergate/providers/provider'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { buildMessage, noSecrets } from '../../test/build-message.ts'
import { buildConnection, buildTenant } from '../../test/rows.ts'
import { createAcceptor } from '../accept/index.ts'
import { deleteConnectionRow } from '../connections/index.ts'
import { type Claim, claimMessages, FIRST_TENANT } from '../dispatch/index.ts'
import { noFailpoint } from '../lib/index.ts'
import { createRouter, type Router } from '../routing/index.ts'
import { createSealer } from '../secrets/index.ts'
import { sweepSteps } from '../sweep/index.ts'
import { createDeliverer } from './deliver.ts'
import { createRecorder } from './record.ts'

let db: TestDatabase
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterAll(() => db.drop())

/** A provider that gives the answers of the test, and records its calls. */
function buildProvider(answer: (message: OutboundMessage) => Promise<SendOutcome> | SendOutcome) {
  const sent: OutboundMessage[] = []
  const provider: Provider = {
    ...createCapture(),
    send: async (message) => {
      sent.push(message)
      return answer(message)
    },
  }
  return { provider, sent }
}

/** Nothing here opens a socket. */
const egress = createFakeEgress()

function setUp(
  answer: (message: OutboundMessage) => Promise<SendOutcome> | SendOutcome,
  router?: Router,
  pool: Queryable = db.pool,
  tenants: Tenants = db.tenants,
) {
  const { provider, sent } = buildProvider(answer)
  const onError = () => {}
  const recorder = createRecorder({ pool: db.pool, onError })
  const always: Router = {
    route: async () => ({
      kind: 'candidates',
      rule: 'priority',
      routeId: null,
      candidates: [{ provider, connectionId: null, connection: { id: 'c', credentials: {}, settings: {} } }],
    }),
  }
  const deliverer = createDeliverer({
    pool,
    tenants,
    router: router ?? always,
    recorder,
    egress,
    secrets: noSecrets,
    slots: 20,
    failpoint: noFailpoint,
    onAttempt: () => {},
    onError,
  })
  return { deliverer, sent, recorder }
}

async function accept(messages = [buildMessage()], onUnknown: 'hold' | 'resend' = 'hold'): Promise<string> {
  const tenantId = await buildTenant(db.pool, { onUnknown })
  const acceptor = createAcceptor({
    pool: db.pool,
    wakeWorkers: () => {},
    failpoint: noFailpoint,
    onError: () => {},
  })
  const outcome = await acceptor.accept({ id: tenantId, mode: 'live' }, { messages })
  if (outcome.kind !== 'accepted') throw new Error(outcome.kind)
  return tenantId
}

async function claim(leaseMs = 60_000): Promise<Claim[]> {
  const result = await claimMessages(db.pool, {
    depth: 100,
    afterTenant: FIRST_TENANT,
    tenantsMax: 50,
    leaseMs,
  })
  return result.claims
}

async function statuses(): Promise<string[]> {
  const { rows } = await db.pool.query<{ status: string }>({
    text: 'select status from recipient order by position',
  })
  return rows.map((row) => row.status)
}

const accepted: SendOutcome = { kind: 'accepted', providerMessageId: 'p-1' }

test('a claimed message is sent once, to all its recipients', async () => {
  await accept([
    buildMessage({ cc: [{ address: 'copy@example.net', name: 'Copy' }], metadata: { order: '7' } }),
  ])
  const { deliverer, sent } = setUp(() => accepted)
  for (const one of await claim()) await deliverer.deliver(one)
  expect(sent).toHaveLength(1)
  expect(sent[0]).toMatchObject({
    envelopeTo: ['user@example.net', 'copy@example.net'],
    cc: [{ address: 'copy@example.net', name: 'Copy' }],
    metadata: { order: '7' },
  })
  expect(await statuses()).toEqual(['sent', 'sent'])
})

test('attachments that cannot be read temporarily are read again within the same attempt', async () => {
  const content = Buffer.alloc(3_000_000, 'a')
  await accept([
    buildMessage({
      attachments: [{ filename: 'a.txt', contentType: 'text/plain', disposition: 'attachment', content }],
    }),
  ])
  let asked = 0
  const tenants: Tenants = {
    ...db.tenants,
    forTenant(tenantId) {
      const own = db.tenants.forTenant(tenantId)
      return {
        ...own,
        query: (config) =>
          asked++ === 1 ? Promise.reject(new Error('Connection terminated unexpectedly')) : own.query(config),
      }
    },
  }
  const { deliverer, sent } = setUp(() => accepted, undefined, undefined, tenants)
  for (const one of await claim()) await deliverer.deliver(one)
  expect(sent.map(({ attachments }) => attachments.map((one) => one.content.length))).toEqual([[3_000_000]])
  expect(await statuses()).toEqual(['sent'])
})

test('a job that runs twice calls the provider once', async () => {
  await accept()
  const { deliverer, sent } = setUp(() => accepted)
  const claims = await claim()
  await Promise.all([...claims, ...claims, ...claims].map((one) => deliverer.deliver(one)))
  expect(sent).toHaveLength(1)
})

test.each(['load-claimed', 'begin-sending'])(
  'a message is sent once, by one attempt, although the answer of %s was lost',
  async (name) => {
    await accept()
    let asked = 0
    const pool: Queryable = {
      async query(config) {
        const result = await db.pool.query(config)
        if (config.name === name && asked++ === 0) throw new Error('Connection terminated unexpectedly')
        return result
      },
    }
    const { deliverer, sent } = setUp(() => accepted, undefined, pool)
    for (const one of await claim()) await deliverer.deliver(one)
    expect([asked, sent.length]).toEqual([2, 1])
    expect(await statuses()).toEqual(['sent'])
    const { rows } = await db.pool.query({ text: 'select number, outcome from attempt' })
    expect(rows).toEqual([{ number: 1, outcome: 'accepted' }])
  },
)

test('a worker that wakes after its lease sends nothing', async () => {
  await accept()
  const { deliverer, sent } = setUp(() => accepted)
  const stale = await claim(1)
  await sleep(10)
  for (const one of stale) await deliverer.deliver(one)
  expect(sent).toHaveLength(0)
  expect(await statuses()).toEqual(['queued'])
})

test('an adapter that throws leaves the message unknown, without a second attempt', async () => {
  await accept()
  const { deliverer } = setUp(() => {
    throw new Error('a fault in the adapter')
  })
  for (const one of await claim()) await deliverer.deliver(one)
  expect(await statuses()).toEqual(['unknown'])
  expect(await claim()).toEqual([])
})

test('only recipients that the provider deferred are tried again', async () => {
  await accept([buildMessage({ to: [{ address: 'a@example.net' }, { address: 'b@example.net' }] })])
  let first = true
  const { deliverer, sent } = setUp(() => {
    if (!first) return accepted
    first = false
    return {
      ...accepted,
      refused: [
        { address: 'b@example.net', kind: 'deferred', code: 'recipient-deferred', reason: '451 later' },
      ],
    }
  })
  for (const one of await claim()) await deliverer.deliver(one)
  expect(await statuses()).toEqual(['sent', 'deferred'])
  await db.pool.query({ text: `update outbox set state = 'ready'` })
  for (const one of await claim()) await deliverer.deliver(one)
  expect(sent.map((message) => message.envelopeTo)).toEqual([
    ['a@example.net', 'b@example.net'],
    ['b@example.net'],
  ])
  expect(await statuses()).toEqual(['sent', 'sent'])
})

test('a message whose worker is lost during the call is unknown, and held', async () => {
  await accept()
  const { deliverer } = setUp(() => new Promise<SendOutcome>(() => {}))
  const [one] = await claim()
  if (!one) throw new Error('nothing was claimed')
  void deliverer.deliver(one)
  await waitForSending()
  await db.pool.query({ text: `update outbox set lease_until = now() - interval '1 s'` })
  const swept = await sweepSteps.giveUpLostSending({ pool: db.pool, repeatWindowMs: () => 0 })
  expect(swept).toBe(1)
  expect(await statuses()).toEqual(['unknown'])
  expect(await claim()).toEqual([])
})

test('a call whose worker is lost is repeated if the provider recognises repeats', async () => {
  await accept()
  const { deliverer } = setUp(() => new Promise<SendOutcome>(() => {}))
  const [one] = await claim()
  if (!one) throw new Error('nothing was claimed')
  void deliverer.deliver(one)
  await waitForSending()
  await db.pool.query({ text: `update outbox set lease_until = now() - interval '1 s'` })
  await sweepSteps.giveUpLostSending({ pool: db.pool, repeatWindowMs: () => 3_600_000 })
  const { rows } = await db.pool.query<{ state: string }>({ text: 'select state from outbox' })
  expect(rows).toEqual([{ state: 'waiting' }])
})

test('a result that arrives after its message became unknown still corrects it', async () => {
  await accept()
  let answer: (outcome: SendOutcome) => void = () => {}
  const { deliverer } = setUp(
    () =>
      new Promise<SendOutcome>((resolve) => {
        answer = resolve
      }),
  )
  const [one] = await claim()
  if (!one) throw new Error('nothing was claimed')
  const delivering = deliverer.deliver(one)
  await waitForSending()
  await db.pool.query({ text: `update outbox set lease_until = now() - interval '1 s'` })
  await sweepSteps.giveUpLostSending({ pool: db.pool, repeatWindowMs: () => 0 })
  answer(accepted)
  await delivering
  expect(await statuses()).toEqual(['sent'])
})

test('a message that no connection may carry is held, and sent when a new connection may', async () => {
  await accept()
  const none: Router = { route: async () => ({ kind: 'none', reason: 'provider-required' }) }
  const held = setUp(() => accepted, none)
  for (const one of await claim()) await held.deliverer.deliver(one)
  expect(await statuses()).toEqual(['held'])
  await db.pool.query({ text: `update outbox set state = 'ready'` })
  const { deliverer } = setUp(() => accepted)
  for (const one of await claim()) await deliverer.deliver(one)
  expect(await statuses()).toEqual(['sent'])
})

test('a stopping worker releases its waiting claims and starts no call', async () => {
  await accept()
  const { deliverer, sent } = setUp(() => accepted)
  const claims = await claim()
  deliverer.stop(0)
  for (const one of claims) await deliverer.deliver(one)
  expect(sent).toHaveLength(0)
  expect(await claim()).toHaveLength(1)
})

async function waitForSending(): Promise<void> {
  for (;;) {
    const { rows } = await db.pool.query({ text: `select 1 from outbox where state = 'sending'` })
    if (rows.length > 0) return
    await sleep(5)
  }
}

test('a message that is accepted after a connection was created uses that connection', async () => {
  const tenantId = await accept()
  const { provider, sent } = buildProvider(() => accepted)
  const sealer = createSealer({ tenants: db.tenants, root: createSecretKey(randomBytes(32)) })
  const router = createRouter({
    tenants: db.tenants,
    sealer,
    providers: { smtp: { ...provider, id: 'smtp' }, capture: createCapture() },
    fallback: 'capture',
    onError: () => {},
  })
  const { deliverer } = setUp(() => accepted, router)
  for (const one of await claim()) await deliverer.deliver(one)
  expect(sent).toHaveLength(0)
  const id = newId()
  const { sealed, dataKeyVersion } = await sealer.sealJson({ tenantId, table: 'connection', id }, {})
  await buildConnection(db.pool, {
    tenantId,
    id,
    provider: 'smtp',
    name: 'Relay',
    priority: 1,
    settings: {},
    sealedCredentials: sealed,
    dataKeyVersion,
  })
  const acceptor = createAcceptor({
    pool: db.pool,
    wakeWorkers: () => {},
    failpoint: noFailpoint,
    onError: () => {},
  })
  await acceptor.accept({ id: tenantId, mode: 'live' }, { messages: [buildMessage()] })
  for (const one of await claim()) await deliverer.deliver(one)
  expect(sent).toHaveLength(1)
  await deleteConnectionRow(db.pool, tenantId, id)
  await acceptor.accept({ id: tenantId, mode: 'live' }, { messages: [buildMessage()] })
  for (const one of await claim()) await deliverer.deliver(one)
  expect(sent).toHaveLength(1)
})
