import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { ensureUsage } from '../usage/index.ts'
import { sweepSteps } from './sweep.ts'

let db: TestDatabase
/** As a worker has it, with the rights of a worker. */
let pool: Pool
beforeEach(async () => {
  db = await createTestDatabase()
  pool = createPool({
    url: db.url,
    max: 4,
    applicationName: 'worker',
    role: 'lettergate_batch',
    onError: () => {},
  })
})
afterEach(async () => {
  await pool.end()
  await db.drop()
})

const release = (isStopped = () => false) =>
  sweepSteps.releaseWaiting({ pool, repeatWindowMs: () => 0, isStopped })

/** Tenants, each with this number of messages that wait for a connection as it was before a change. */
async function buildWaiting(tenants: number, messages: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: tenants }, () => buildTenant(db.pool)))
  await ensureUsage(
    db.pool,
    ids.map((id) => ({ id, mode: 'live' })),
  )
  const units = ids.map((id) =>
    buildUnit(
      id,
      Array.from({ length: messages }, () => buildRow()),
    ),
  )
  await acceptMessages(db.pool, units)
  await db.pool.query({
    text: `update outbox o set state = 'waiting', due_at = now() + interval '1 hour', wait_for = $1, wait_why = 'rate',
             wait_version = t.connections_version
           from tenant t where t.id = o.tenant_id`,
    values: [newId()],
  })
  await db.pool.query({ text: 'update tenant set connections_version = connections_version + 1' })
  return ids
}

async function count(text: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({ text })
  return rows[0]?.n ?? -1
}
const waiting = () => count(`select count(*)::int as n from outbox where state = 'waiting'`)
const behind = () =>
  count(
    `select count(*)::int as n from tenant where connections_version <> released_version and plan <> 'operator'`,
  )

test('one run releases the waiting messages of very many changed tenants', async () => {
  await buildWaiting(260, 1)
  expect(await release()).toBe(260)
  expect([await waiting(), await behind()]).toEqual([0, 0])
  expect(await release()).toBe(0)
})

test('one run releases very many waiting messages of one tenant, and those of other tenants too', async () => {
  await buildWaiting(1, 900)
  await buildWaiting(3, 1)
  expect(await release()).toBe(903)
  expect([await waiting(), await behind()]).toEqual([0, 0])
})

test('a locked message is released in a later run', async () => {
  const [tenantId] = await buildWaiting(1, 3)
  const other = await db.pool.connect()
  await other.query('begin')
  await other.query({ text: 'select from outbox order by message_id limit 1 for no key update' })
  expect(await release()).toBe(2)
  await other.query('rollback')
  other.release()
  expect(await release()).toBe(1)
  expect(await waiting()).toBe(0)
  expect(tenantId && (await behind())).toBe(0)
})

test('a tenant that is being changed delays no other', async () => {
  const [busy] = await buildWaiting(3, 1)
  const other = await db.pool.connect()
  await other.query('begin')
  await other.query({ text: 'select from tenant where id = $1 for no key update', values: [busy] })
  expect(await release()).toBe(2)
  await other.query('rollback')
  other.release()
  expect(await release()).toBe(1)
})

test('two workers at the same time release each message once', async () => {
  await buildWaiting(120, 2)
  const counts = await Promise.all([release(), release()])
  expect(counts.reduce((sum, n) => sum + n)).toBe(240)
  expect([await waiting(), await behind()]).toEqual([0, 0])
})

test('a stopping run ends after the current page, and the next run continues', async () => {
  await buildWaiting(120, 1)
  expect(await release(() => true)).toBe(50)
  expect(await release()).toBe(70)
})
