import { randomUUID } from 'node:crypto'
import { createPool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from './rows.ts'

let db: TestDatabase
let mine: string
let theirs: string
beforeAll(async () => {
  db = await createTestDatabase()
  ;[mine, theirs] = [await buildTenant(db.pool), await buildTenant(db.pool)]
})
afterAll(() => db.drop())

const all = { name: 'all', text: 'select id from tenant' }

test('without any condition, a tenant sees only its own rows, on any connection', async () => {
  const ids = [mine, theirs, randomUUID()]
  await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const id = ids[index % 3] ?? ''
      const { rows } = await db.tenants.forTenant(id).query(all)
      expect(rows).toEqual(index % 3 === 2 ? [] : [{ id }])
    }),
  )
})

test('a statement that fails reports the reason, and the connection works afterwards', async () => {
  const tenant = db.tenants.forTenant(mine)
  await expect(tenant.query({ text: 'select 1 / 0' })).rejects.toThrow('division by zero')
  expect((await tenant.query(all)).rows).toEqual([{ id: mine }])
})

test("another tenant's row can neither be written nor changed", async () => {
  const usage = "insert into usage (tenant_id, day, mode) values ($1, '2026-01-01', 'live')"
  const tenant = db.tenants.forTenant(mine)
  await expect(tenant.query({ text: usage, values: [theirs] })).rejects.toThrow('row-level security')
  await tenant.query({ text: usage, values: [mine] })
  await expect(tenant.query({ text: 'update usage set tenant_id = $1', values: [theirs] })).rejects.toThrow(
    'row-level security',
  )
  expect((await db.tenants.forTenant(theirs).query({ text: 'delete from outbox' })).rowCount).toBe(0)
})

test('a failed transaction leaves nothing behind, not even locks, once its failure is reported', async () => {
  const tenant = db.tenants.forTenant(mine)
  const failing = tenant.transaction(async (inside) => {
    await inside.query({ text: 'update tenant set connections_version = 9' })
    throw new Error('changed my mind')
  })
  await expect(failing).rejects.toThrow('changed my mind')
  const locked = 'select connections_version as v from tenant where id = $1 for update skip locked'
  expect((await db.pool.query({ text: locked, values: [mine] })).rows).toEqual([{ v: 0 }])
})

test('the tenant setting ends with its transaction', async () => {
  const pool = createPool({
    url: db.url,
    max: 1,
    applicationName: 'test',
    onError: () => {},
    role: 'lettergate_tenant',
  })
  await pool.query(`begin; select set_config('lettergate.tenant', '${mine}', true)`)
  expect((await pool.query(all)).rowCount).toBe(1)
  await pool.query('commit')
  expect((await pool.query(all)).rowCount).toBe(0)
  await pool.end()
})

test('a tenant id that is no UUID is never put into a statement', () => {
  expect(() => db.tenants.forTenant("x', true); drop table tenant; --")).toThrow('UUID')
})

test('a session whose start-up options a proxy dropped is refused', async () => {
  const url = new URL(db.url)
  // The later of two start-up options wins: what a pooler that sets its own would do.
  url.searchParams.set('options', '-c role=none')
  const pool = createPool({
    url: url.href,
    max: 1,
    applicationName: 'test',
    onError: () => {},
    role: 'lettergate_batch',
  })
  await expect(pool.query('select 1')).rejects.toThrow('instead of lettergate_batch')
  await pool.end()
})
