import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import type { ClaimedDelivery } from './sql/claim-deliveries.ts'
import { hurryDeliveries } from './sql/hurry-deliveries.ts'
import { recordRetries } from './sql/record-results.ts'
import { toResults } from './to-results.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const id = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`
const FAILED = { status: null, ms: 15_000, error: 'timed out', answer: null, retryAfter: null }

/** An endpoint that last answered so many seconds ago, and two deliveries that stand in the table and its index in the reverse order. */
async function build(place: number, state: 'claimed' | 'waiting', lastSuccess: number) {
  const tenantId = await buildTenant(db.pool)
  const [endpointId, low, high] = [id(place), id(place + 1), id(place + 2)]
  await db.pool.query({
    text: `insert into endpoint_state (id, tenant_id, mode, endpoint_id, cursor, last_success_at)
           values ($1, $2, 'live', $1, '', now() - $3 * interval '1 s')`,
    values: [endpointId, tenantId, lastSuccess],
  })
  await db.pool.query({
    text: `insert into delivery (id, tenant_id, mode, endpoint_id, target, seq, type, is_bulk, state, epoch, due_at)
           select id, $1, 'live', $2, $2, place, 1, false, $4, 7, now() + interval '1 hour'
           from unnest($3::uuid[]) with ordinality as d (id, place)`,
    values: [tenantId, endpointId, [high, low], state],
  })
  const delivery = (id: string, seq: number): ClaimedDelivery => ({
    id,
    tenantId,
    mode: 'live',
    endpointId,
    url: null,
    target: endpointId,
    messageId: null,
    seq,
    type: 1,
    connectionId: null,
    isBulk: false,
    list: null,
    attempts: 0,
    epoch: 7,
    failures: 0,
    failingSince: null,
  })
  const results = [delivery(high, 1), delivery(low, 2)].flatMap((one) => toResults(one, FAILED))
  return { tenantId, endpointId, low, high, results }
}

async function healthOf(endpointId: string) {
  const { rows } = await db.pool.query({
    text: 'select failures, paused_until is not null as paused from endpoint_state where id = $1',
    values: [endpointId],
  })
  return rows[0]
}

test('calls that fail do not count against an endpoint that has answered since they began', async () => {
  const answering = await build(100, 'claimed', 10)
  await recordRetries(db.pool, answering.results, 5_000)
  expect(await healthOf(answering.endpointId)).toEqual({ failures: 0, paused: false })
  const silent = await build(200, 'claimed', 20)
  await recordRetries(db.pool, silent.results, 5_000)
  expect(await healthOf(silent.endpointId)).toEqual({ failures: 2, paused: true })
})

type Built = Awaited<ReturnType<typeof build>>
const statements: [name: string, state: 'claimed' | 'waiting', run: (built: Built) => Promise<void>][] = [
  [
    'hurryDeliveries',
    'waiting',
    ({ tenantId, endpointId }) => hurryDeliveries(db.pool, tenantId, endpointId),
  ],
  ['recordRetries', 'claimed', ({ results }) => recordRetries(db.pool, results, null)],
]

test.each(statements)(
  '%s takes row locks in the order of ids, so that two such statements never wait for each other',
  async (name, state, run) => {
    const built = await build(name.length * 1_000, state, 0)
    const other = await db.pool.connect()
    const lock = (id: string) =>
      other.query({ text: 'select from delivery where id = $1 for update nowait', values: [id] })
    await other.query('begin')
    await lock(built.low)
    const running = run(built)
    await eventually(async () => {
      const { rowCount } = await db.pool.query({
        text: "select from pg_locks where not granted and locktype = 'transactionid'",
      })
      return rowCount === 1 ? true : undefined
    })
    await lock(built.high)
    await other.query('rollback')
    other.release()
    await running
  },
)
