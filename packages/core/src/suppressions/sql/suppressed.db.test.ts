import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from '../../../test/rows.ts'
import { suppressionOf } from './suppressed.ts'

const LISTED = 20_000
/** Blocks of a look for one address, erased or not; and of what Postgres reads once of its catalogue; the whole list has some hundreds. */
const BLOCKS_MAX = 100

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

type Plan = { 'Shared Hit Blocks': number; 'Shared Read Blocks': number }

test('a look for an address does not read the whole list, even while Postgres has no statistics of it', async () => {
  const tenantId = await buildTenant(db.pool)
  await db.pool.query({
    text: `insert into erasure_key (tenant_id, key) values ($1, '\\x00')`,
    values: [tenantId],
  })
  await db.pool.query({
    text: `insert into suppression (tenant_id, mode, address, stream, reason, created_at)
           select $1, 'live', 'user' || n || '@example.net', '*', 'manual', now() - n * interval '1 second' from generate_series(1, $2::int4) n`,
    values: [tenantId, LISTED],
  })
  const asked = { tenantId: '$1::uuid', mode: '$2', address: '$3', stream: '$4' }
  const { rows } = await db.batch.query<{ 'QUERY PLAN': { Plan: Plan }[] }>({
    text: `explain (analyze, buffers, format json) select ${suppressionOf(asked)}`,
    values: [tenantId, 'live', 'nobody@example.net', 'bulk'],
  })
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan
  const blocks = (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0)
  expect(blocks).toBeGreaterThan(0)
  expect(blocks).toBeLessThan(BLOCKS_MAX)
})
