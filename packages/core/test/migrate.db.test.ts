import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { migrate } from '@lettergate/db/migrate'
import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { acceptMessages } from '../src/accept/index.ts'
import { claimMessages, FIRST_TENANT } from '../src/dispatch/index.ts'
import { ensureUsage } from '../src/usage/index.ts'
import { buildTenant, buildUnit } from './rows.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const open = (url: string, role?: 'lettergate_tenant' | 'lettergate_batch'): Pool => {
  const pool = createPool({
    ...{ url, max: 2, applicationName: 'test', onError: () => {} },
    ...(role && { role }),
  })
  cleanups.push(() => pool.end())
  return pool
}

/** A database that belongs to a login with few rights, on the server of the tests. */
async function createOwned(attributes: string): Promise<{ url: string; name: string; admin: pg.Client }> {
  const template = await createTestDatabase()
  cleanups.push(() => template.drop())
  const admin = new pg.Client({ connectionString: template.url })
  await admin.connect()
  const name = `lettergate_owner_${randomBytes(6).toString('hex')}`
  await admin.query(`create role ${name} login password 'x' ${attributes}`)
  await admin.query(`create database ${name} owner ${name}`)
  cleanups.push(async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.query(`drop owned by ${name} cascade`)
    await admin.query(`drop role ${name}`)
    await admin.end()
  })
  const url = new URL(template.url)
  ;[url.username, url.password, url.pathname] = [name, 'x', `/${name}`]
  return { url: url.href, name, admin }
}

test('a login that is no superuser migrates and works, once the roles of the cluster were granted to it', async () => {
  const { url, name, admin } = await createOwned('nocreaterole')
  await expect(migrate(open(url))).rejects.toThrow(`grant lettergate_tenant to ${name}`)
  await admin.query(`grant lettergate_tenant, lettergate_batch to ${name}`)
  const { applied } = await migrate(open(url))
  expect(applied).toContain('0003_row_level_security.sql')
  // The owner goes on as before the migration: processes of the version before are served.
  const insert = "insert into tenant (id, name, plan, daily_limit) values (gen_random_uuid(), 'a', 'free', 1)"
  await open(url).query(insert)
  expect((await open(url).query('select from tenant')).rowCount).toBe(1)
  expect((await open(url, 'lettergate_tenant').query('select id from tenant')).rowCount).toBe(0)
  const batch = open(url, 'lettergate_batch')
  expect((await batch.query('select id from tenant')).rowCount).toBe(1)
  await batch.query('select ensure_partitions(current_date + 30, current_date + 30)')
  await expect(batch.query('select from connection')).rejects.toThrow('permission denied')
  await expect(batch.query('select from message_default')).rejects.toThrow('permission denied')
})

/** A database as it was before these migrations. Later ones that do not build on them are there: the statements of today need them. */
async function migrateWithout(pool: Pool, ...missing: string[]): Promise<void> {
  const folder = new URL('../../db/migrations/', import.meta.url)
  await pool.query(`create table schema_migration (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`)
  for (const name of (await readdir(folder)).sort().filter((file) => !missing.includes(file))) {
    const sql = await readFile(new URL(name, folder), 'utf8')
    await pool.query(sql)
    const checksum = createHash('sha256').update(sql).digest('hex')
    await pool.query({
      text: 'insert into schema_migration (name, checksum) values ($1, $2)',
      values: [name, checksum],
    })
  }
}

test.each([
  ['row-level security', '0003_row_level_security.sql'],
  ['what connections can be changed to', '0007_connections.sql'],
])('%s comes to a database with data while the version before goes on serving', async (_, name) => {
  const { url } = await createOwned('superuser')
  const pool = open(url)
  await migrateWithout(pool, name)
  const tenantId = await buildTenant(pool)
  await ensureUsage(pool, [{ id: tenantId, mode: 'live' }])
  let accepted = 0
  const errors: unknown[] = []
  const over = AbortSignal.timeout(20_000)
  const stop = new AbortController()
  const isOver = () => over.aborted || stop.signal.aborted || errors.length > 0
  const writers = Array.from({ length: 4 }, async () => {
    const old = open(url)
    while (!isOver()) {
      await acceptMessages(old, [buildUnit(tenantId)]).then(
        () => accepted++,
        (error: unknown) => errors.push(error),
      )
    }
  })
  const more = async (count: number) => {
    for (const until = accepted + count; accepted < until && !isOver(); ) await sleep(10)
  }
  await more(50)
  const migrated = await migrate(pool).catch((error: unknown) => error)
  await more(50)
  stop.abort()
  await Promise.all(writers)
  expect(migrated).toMatchObject({ applied: expect.arrayContaining([name]) })
  expect(errors).toEqual([])
  expect((await open(url, 'lettergate_batch').query('select from message')).rowCount).toBe(accepted)
})

test.each([
  ['0005_routes.sql'],
  ['0006_pace.sql', '0009_limits.sql', '0011_mended_connections.sql', '0013_connections_in_use.sql'],
])('%s comes to a database with data while messages are accepted and claimed', async (...names) => {
  const { url } = await createOwned('superuser')
  const pool = open(url)
  await migrateWithout(pool, ...names)
  const tenantId = await buildTenant(pool)
  await ensureUsage(pool, [{ id: tenantId, mode: 'live' }])
  await pool.query({
    text: `insert into attempt (tenant_id, message_id, number, provider, started_at, outcome, recipients)
             values ($1, $2, 1, 'smtp', now(), 'accepted', '{0}')`,
    values: [tenantId, newId()],
  })
  const stop = new AbortController()
  const errors: unknown[] = []
  let accepted = 0
  const work = async (step: () => Promise<unknown>) => {
    while (!stop.signal.aborted && errors.length === 0)
      await step().catch((error: unknown) => errors.push(error))
  }
  const claim = { depth: 1_000_000, afterTenant: FIRST_TENANT, tenantsMax: 10, leaseMs: 10_000 }
  const old = open(url)
  const writers = [
    work(async () => {
      await acceptMessages(old, [buildUnit(tenantId)])
      accepted++
    }),
    work(async () => {
      await claimMessages(old, claim)
      await sleep(5)
    }),
  ]
  const more = async () => {
    for (const until = accepted + 20; accepted < until && errors.length === 0; ) await sleep(5)
  }
  await more()
  const { applied } = await migrate(pool)
  await more()
  stop.abort()
  await Promise.all(writers)
  expect(errors).toEqual([])
  expect(applied).toEqual(names)
  expect((await pool.query('select 1 from outbox')).rowCount).toBe(accepted)
  expect((await pool.query('select code, choice from attempt')).rows).toEqual([{ code: null, choice: null }])
})

/** How workers of the version before 0009 reserve, and give back. */
const RESERVE_BEFORE = `
  select g.granted_of_day as granted
  from unnest(array[($1, $2, null, 0, 1, $3, $4)::pace_order]) o cross join lateral reserve_pace(o) g`
const SYNC_BEFORE = `
  select h.told from unnest(array[($1, $2, 0, 0, 400, null, null, 0)::pace_report]) r cross join lateral sync_pace(r, 'w') h`

test('0009_limits.sql carries the days of connections over, and workers of the version before go on counting them', async () => {
  const { url } = await createOwned('superuser')
  const pool = open(url)
  await migrateWithout(pool, '0009_limits.sql', '0013_connections_in_use.sql')
  const [tenantId, connectionId, otherId] = [await buildTenant(pool), newId(), newId()]
  const values = [tenantId, connectionId]
  const reserve = async (db: Pool, id: string, wanted: number) => {
    const query = { name: 'pace-reserve', text: RESERVE_BEFORE, values: [tenantId, id, 1_000_000, wanted] }
    return (await db.query<{ granted: number }>(query)).rows[0]?.granted ?? -1
  }
  await pool.query({
    text: `insert into connection_event (tenant_id, connection_id, type) values ($1, $2, 'connection.unhealthy')`,
    values,
  })
  expect(await reserve(pool, otherId, 999_990)).toBe(999_990)
  let granted = 0
  const stop = new AbortController()
  const errors: unknown[] = []
  const workers = Array.from({ length: 3 }, async () => {
    const old = open(url, 'lettergate_batch')
    while (!stop.signal.aborted && errors.length === 0) {
      try {
        const got = await reserve(old, connectionId, 1)
        granted += got
        await old.query({ name: 'pace-sync', text: SYNC_BEFORE, values })
      } catch (error) {
        errors.push(error)
      }
    }
  })
  const more = async () => {
    for (const until = granted + 50; granted < until && errors.length === 0; ) await sleep(5)
  }
  await more()
  const { applied } = await migrate(pool)
  await more()
  stop.abort()
  await Promise.all(workers)
  expect(errors).toEqual([])
  expect(applied).toEqual(['0009_limits.sql', '0013_connections_in_use.sql'])
  const { rows } = await pool.query<{ used: number }>({
    text: 'select used from connection_usage where connection_id = $1',
    values: [connectionId],
  })
  // Those that waited for the migration inside of a statement count where it began.
  expect(rows[0]?.used).toBeGreaterThanOrEqual(granted - workers.length)
  expect(rows[0]?.used).toBeLessThanOrEqual(granted)
  expect(await reserve(pool, otherId, 100)).toBe(10)
  expect((await pool.query('select from connection_event')).rowCount).toBe(1)
})

test('0015_bulk_and_retry_limit.sql comes to a database with a backlog, and the version before goes on accepting', async () => {
  const { url } = await createOwned('superuser')
  const pool = open(url)
  await migrateWithout(pool, '0015_bulk_and_retry_limit.sql')
  const tenantId = await buildTenant(pool)
  const acceptAsBefore = () =>
    open(url, 'lettergate_batch').query({
      text: `insert into outbox (message_id, tenant_id, mode, state, due_at, first_due_at, content_bytes, accepted_at)
             values ($1, $2, 'live', 'ready', now(), now(), 20, now())`,
      values: [newId(), tenantId],
    })
  await acceptAsBefore()
  expect((await migrate(pool)).applied).toEqual(['0015_bulk_and_retry_limit.sql'])
  await acceptAsBefore()
  const batch = open(url, 'lettergate_batch')
  const options = { depth: 10, afterTenant: FIRST_TENANT, tenantsMax: 10, leaseMs: 10_000 }
  const { claims } = await claimMessages(batch, options)
  expect(claims.map(({ isBulk }) => isBulk)).toEqual([false, false])
  for (const role of ['lettergate_batch', 'lettergate_tenant'] as const) {
    await expect(open(url, role).query('select retry_hours from tenant')).resolves.toBeDefined()
  }
  expect((await pool.query('select retry_hours from tenant')).rows).toEqual([{ retry_hours: 72 }])
})
