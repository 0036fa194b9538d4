import { readFile } from 'node:fs/promises'
import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { EVENTS_KEPT } from '../connections/index.ts'
import { forgetOldRows } from './sql/forget-old-rows.ts'
import { sweepSteps } from './sweep.ts'

let db: TestDatabase
/** As a worker has it, with the rights of a worker. */
let pools: Pool[]
beforeEach(async () => {
  db = await createTestDatabase()
  pools = []
})
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.end()))
  await db.drop()
})

function openWorker() {
  const pool = createPool({
    url: db.url,
    max: 2,
    applicationName: 'test',
    role: 'lettergate_batch',
    onError: () => {},
  })
  pools.push(pool)
  return { pool, repeatWindowMs: () => 0 }
}

/** This number of events of a new connection, one a minute, the newest this number of days ago. */
async function buildEvents(tenantId: string, count: number, newestDaysAgo = 0): Promise<string> {
  const id = newId()
  await db.pool.query({
    text: `insert into connection_event (tenant_id, connection_id, type, at)
           select $1, $2, 'connection.unhealthy',
                  now() - $4::float8 * interval '1 day' - ($3::int4 - n) * interval '1 minute'
           from generate_series(1, $3::int4) n`,
    values: [tenantId, id, count, newestDaysAgo],
  })
  return id
}

async function countOf(connectionId: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: 'select count(*)::int4 as n from connection_event where connection_id = $1',
    values: [connectionId],
  })
  return rows[0]?.n ?? -1
}

async function newestSeq(): Promise<number> {
  const { rows } = await db.pool.query<{ seq: number }>({
    text: 'select max(seq) as seq from connection_event',
  })
  return rows[0]?.seq ?? -1
}

test('an event of a connection is deleted after 90 days, not before', async () => {
  const tenantId = await buildTenant(db.pool)
  const [old, young] = [await buildEvents(tenantId, 450, 90.001), await buildEvents(tenantId, 450, 89)]
  expect(await sweepSteps.expireConnectionEvents(openWorker())).toBe(450)
  expect([await countOf(old), await countOf(young)]).toEqual([0, 450])
})

test('each connection keeps its newest 1,000 events, for any number of events of others', async () => {
  const tenants = [await buildTenant(db.pool), await buildTenant(db.pool)]
  const few: string[] = []
  const many: string[] = []
  for (const tenantId of tenants) {
    for (let n = 0; n < 60; n++) few.push(await buildEvents(tenantId, 2))
    many.push(await buildEvents(tenantId, 1_001), await buildEvents(tenantId, 1_650))
    few.push(await buildEvents(tenantId, 1_000))
  }
  const before = await Promise.all(few.map(countOf))
  const newest = await newestSeq()
  expect(await sweepSteps.trimConnectionEvents(openWorker())).toBe(2 * (1 + 650))
  expect(await Promise.all(many.map(countOf))).toEqual([1_000, 1_000, 1_000, 1_000])
  expect(await Promise.all(few.map(countOf))).toEqual(before)
  expect(await newestSeq()).toBe(newest)
  const { rows } = await db.pool.query({
    text: `select from connection_event where connection_id = $1 and at < now() - interval '1000 minutes'`,
    values: [many[1]],
  })
  expect(rows).toEqual([])
  expect(await sweepSteps.trimConnectionEvents(openWorker())).toBe(0)
})

test('two workers at the same time delete the same events once, without waiting for each other', async () => {
  const tenantId = await buildTenant(db.pool)
  const many = await Promise.all([1_900, 1_300, 2_500].map((count) => buildEvents(tenantId, count)))
  await buildEvents(tenantId, 700, 100)
  const workers = [openWorker(), openWorker()]
  const expired = await Promise.all(workers.map(sweepSteps.expireConnectionEvents))
  const trimmed = await Promise.all(workers.map(sweepSteps.trimConnectionEvents))
  const sum = ([one = 0, two = 0]: number[]) => one + two
  expect([sum(expired), sum(trimmed)]).toEqual([700, 900 + 300 + 1_500])
  expect(await Promise.all(many.map(countOf))).toEqual([1_000, 1_000, 1_000])
})

test('a worker that dies during the step blocks no other, and the next one finishes its work', async () => {
  const tenantId = await buildTenant(db.pool)
  const old = await buildEvents(tenantId, 300, 100)
  const many = await buildEvents(tenantId, 1_100)
  const dying = await openWorker().pool.connect()
  await dying.query('begin')
  expect(await forgetOldRows(dying, { table: 'connection_event', at: 'at' }, 90, 200)).toBe(200)
  await dying.query({
    text: 'select from connection_event where connection_id = $1 order by seq limit 60 for update',
    values: [many],
  })
  const other = openWorker()
  expect(await sweepSteps.expireConnectionEvents(other)).toBe(100)
  expect(await sweepSteps.trimConnectionEvents(other)).toBe(40)
  dying.release(new Error('it dies'))
  let [expired, trimmed] = [0, 0]
  while (expired < 200) expired += await sweepSteps.expireConnectionEvents(other)
  while (trimmed < 60) trimmed += await sweepSteps.trimConnectionEvents(other)
  expect([expired, trimmed]).toEqual([200, 60])
  expect([await countOf(old), await countOf(many)]).toEqual([0, 1_000])
})

test('the guide says for how long events of connections are kept', async () => {
  const guide = await readFile(new URL('../../../../docs/guides/connections.md', import.meta.url), 'utf8')
  const { days, ofConnection } = EVENTS_KEPT
  expect(guide.replace(/\s+/g, ' ')).toContain(
    `kept for ${days} days, the newest ${ofConnection.toLocaleString('en')} of each connection`,
  )
})
