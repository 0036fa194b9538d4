import { createSecretKey } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createFakeEgress } from '@lettergate/egress/test/fake-egress'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import type { SendOutcome } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { accepted, buildFleet } from '../../test/fleet.ts'
import { resetHealth, updateConnection } from '../connections/index.ts'
import { createSealer } from '../secrets/index.ts'
import { sweepSteps } from '../sweep/index.ts'
import { openCircuit } from './sql/open-circuit.ts'
import { takeProbe } from './sql/take-probe.ts'

let db: TestDatabase
let fleet: Awaited<ReturnType<typeof buildFleet>>
let id: string
let outcome: SendOutcome
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
  fleet = await buildFleet(db, [{ answer: () => outcome }])
  id = fleet.ids[0] ?? ''
  const { sealed, dataKeyVersion } = await deps().sealer.sealJson(
    { tenantId: fleet.tenantId, table: 'connection', id },
    credentials,
  )
  await db.pool.query({
    text: `insert into connection (tenant_id, id, provider, name, settings, sealed_credentials, data_key_version)
           values ($1, $2, 'smtp', 'Relay', $3, $4, $5)`,
    values: [fleet.tenantId, id, JSON.stringify(settings), sealed, dataKeyVersion],
  })
})
afterEach(() => fleet.stop())
afterAll(() => db.drop())

const settings = { host: 'mx.example.net', port: 587 }
const credentials = { username: 'u', password: 'p' }
const refused = toFailure('provider-credentials-refused', '535 5.7.8 no')
const to = (n: number) => Array.from({ length: n }, (_, index) => [`n${index}@example.net`])
const isEmpty = async () => (await fleet.backlog()).length === 0
const allWait = async () => (await fleet.backlog()).every(({ state }) => state === 'waiting')
const release = () => sweepSteps.releaseWaiting({ pool: db.pool, repeatWindowMs: () => 0 })

function deps() {
  return {
    tenants: db.tenants,
    prisma: db.prisma,
    sealer: createSealer({ tenants: db.tenants, root: createSecretKey(Buffer.alloc(32, 7)) }),
    egress: createFakeEgress(),
    providers: createProviders(),
  }
}

async function health() {
  const { rows } = await db.pool.query<{
    state: string
    opened: number
    is_due: boolean
    is_paused: boolean
  }>({
    text: `select state, opened, retry_at <= now() as is_due, coalesce(paused_until > now(), false) as is_paused
           from connection_health where connection_id = $1`,
    values: [id],
  })
  return rows[0]
}

async function version(): Promise<number | undefined> {
  const { rows } = await db.pool.query<{ v: number }>({
    text: 'select connections_version as v from tenant where id = $1',
    values: [fleet.tenantId],
  })
  return rows[0]?.v
}

test.each([
  ['credentials', () => updateConnection(deps(), fleet.tenantId, id, { credentials })],
  [
    'settings',
    () => updateConnection(deps(), fleet.tenantId, id, { settings: { ...settings, helo_name: 'a.example' } }),
  ],
])(
  'new %s immediately release messages that failed with the old ones, and messages that waited for the circuit',
  async (_, change) => {
    outcome = refused
    await fleet.accept(...to(4))
    await fleet.run(allWait)
    await fleet.accept(...to(20))
    await fleet.run(async () => (await fleet.health(0))?.state === 'open' && (await allWait()))
    // Messages with an attempt wait for a minute at least; the others for the circuit.
    expect((await fleet.backlog()).filter(({ why }) => why === null).length).toBeGreaterThanOrEqual(4)
    await db.pool.query({
      text: `update connection_health set retry_at = now() + interval '10 min', opened = 9`,
    })
    outcome = accepted
    await change()
    expect(await health()).toMatchObject({ state: 'open', opened: 1, is_due: true })
    expect(await release()).toBe(24)
    expect(await release()).toBe(0)
    // One probes; those that come before its answer wait again, for seconds.
    await fleet.run(async () => (await fleet.health(0))?.state === 'closed')
    await db.pool.query({ text: `update outbox set state = 'ready' where wait_why = 'circuit'` })
    await fleet.run(isEmpty)
    expect(await fleet.statuses()).toEqual({ sent: 24 })
  },
)

test('a pause from before the change ends', async () => {
  outcome = toFailure('provider-quota-used-up', 'no credits')
  await fleet.accept(...to(1))
  await fleet.run(async () => (await health())?.is_paused === true)
  await fleet.accept(...to(1))
  await fleet.run(allWait)
  outcome = accepted
  await updateConnection(deps(), fleet.tenantId, id, { credentials })
  expect(await health()).toMatchObject({ is_paused: false })
  expect(await release()).toBe(1)
  await fleet.run(async () => fleet.sent.length === 2)
})

test('a message that waits for another reason keeps its time after a change of the connection', async () => {
  outcome = toFailure('recipient-deferred', '451 later')
  await fleet.accept(...to(1))
  await fleet.run(allWait)
  await updateConnection(deps(), fleet.tenantId, id, { credentials })
  expect(await release()).toBe(0)
  expect(await fleet.backlog()).toMatchObject([{ state: 'waiting' }])
})

test('a change during an attempt is not missed: the message is ready immediately', async () => {
  const changing = await buildFleet(db, [
    {
      answer: async () => {
        await db.pool.query({ text: 'update tenant set connections_version = connections_version + 1' })
        return refused
      },
    },
  ])
  await changing.accept(...to(1))
  await changing.run(() => changing.sent.length === 1)
  expect(await changing.backlog()).toMatchObject([{ state: 'ready' }])
  await changing.stop()
})

test('a probe in progress with the old credentials does not open the circuit again', async () => {
  outcome = accepted
  const key = { tenantId: fleet.tenantId, connectionId: id }
  const times = { firstMs: 5_000, mostMs: 600_000 }
  await openCircuit(db.pool, { ...key, code: 'outcome-unknown', reason: 'x', isProbe: false }, times)
  await db.pool.query({ text: 'update connection_health set retry_at = now()' })
  expect(await takeProbe(db.pool, key, 60_000)).toBe(true)
  await updateConnection(deps(), fleet.tenantId, id, { credentials })
  expect(
    await openCircuit(db.pool, { ...key, code: 'outcome-unknown', reason: 'x', isProbe: true }, times),
  ).toBeNull()
  expect(await health()).toMatchObject({ state: 'open', is_due: true })
})

test('a successful test lets the circuit be probed, and changes neither a pause nor a healthy connection', async () => {
  outcome = accepted
  const own = db.tenants.forTenant(fleet.tenantId)
  await db.pool.query({
    text: `insert into connection_health (tenant_id, connection_id, state, opened, retry_at, paused_until)
           values ($1, $2, 'open', 5, now() + interval '10 min', now() + interval '1 h')`,
    values: [fleet.tenantId, id],
  })
  const before = await version()
  await own.query(resetHealth(fleet.tenantId, id, 'tested'))
  expect(await health()).toEqual({ state: 'open', opened: 5, is_due: true, is_paused: true })
  expect(await version()).toBe((before ?? 0) + 1)
  await db.pool.query({ text: `update connection_health set state = 'closed'` })
  await own.query(resetHealth(fleet.tenantId, id, 'tested'))
  expect(await version()).toBe((before ?? 0) + 1)
})
