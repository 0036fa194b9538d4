import { randomBytes } from 'node:crypto'
import { type Migration, migrate, readMigrations } from '@lettergate/db/migrate'
import { createPool, type Pool } from '@lettergate/db/pool'
import { describeCatalogue } from '@lettergate/db/test/catalogue'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { runPrisma } from '@lettergate/db/test/prisma'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { claimMessages, FIRST_TENANT } from '../src/dispatch/index.ts'
import { buildTenant } from './rows.ts'

/** Each start of Prisma's command line takes seconds on a busy machine. */
const CLI_MS = 120_000
let server: TestDatabase
const cleanups: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  server = await createTestDatabase()
})
afterAll(() => server.drop())
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const open = (url: string, role?: 'lettergate_tenant' | 'lettergate_batch'): Pool => {
  const pool = createPool({
    url,
    max: 2,
    applicationName: 'test',
    onError: () => {},
    ...(role && { role }),
  })
  cleanups.push(() => pool.end())
  return pool
}

/** An empty database that belongs to a login with these attributes, on the server of the tests. */
async function createOwned(
  attributes = 'superuser',
): Promise<{ url: string; name: string; admin: pg.Client }> {
  const admin = new pg.Client({ connectionString: server.url })
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
  const url = new URL(server.url)
  ;[url.username, url.password, url.pathname] = [name, 'x', `/${name}`]
  return { url: url.href, name, admin }
}

/** The schema, without its owner. */
async function describe(url: string, owner: string): Promise<string[]> {
  return (await describeCatalogue(open(url))).map((line) => line.replaceAll(owner, 'owner')).sort()
}

test('a login that is no superuser migrates and works after the roles of the cluster were granted to it', async () => {
  const { url, name, admin } = await createOwned('nocreaterole')
  await expect(migrate(open(url))).rejects.toThrow(`grant lettergate_tenant to ${name}`)
  await admin.query(`grant lettergate_tenant, lettergate_batch, lettergate_operator to ${name}`)
  expect((await migrate(open(url))).applied).toEqual((await readMigrations()).map((one) => one.name))
  const insert = "insert into tenant (id, name, plan, daily_limit) values (gen_random_uuid(), 'a', 'free', 1)"
  await open(url).query(insert)
  expect((await open(url).query(`select from tenant where plan <> 'operator'`)).rowCount).toBe(1)
  expect((await open(url, 'lettergate_tenant').query('select id from tenant')).rowCount).toBe(0)
  const batch = open(url, 'lettergate_batch')
  expect((await batch.query(`select id from tenant where plan <> 'operator'`)).rowCount).toBe(1)
  await batch.query('select ensure_partitions(current_date + 30, current_date + 30)')
  await expect(batch.query('select from connection')).rejects.toThrow('permission denied')
  await expect(batch.query('select from message_default')).rejects.toThrow('permission denied')
})

test(
  'Prisma’s command line accepts a database that this gateway migrated, and the gateway accepts one that Prisma migrated',
  async () => {
    const [ours, theirs] = [await createOwned(), await createOwned()]
    const applied = (await readMigrations()).map((one) => one.name)
    expect((await migrate(open(ours.url))).applied).toEqual(applied)
    expect(runPrisma(ours.url, 'migrate', 'status')).toMatchObject({
      status: 0,
      output: expect.stringContaining('Database schema is up to date!'),
    })
    expect(runPrisma(theirs.url, 'migrate', 'deploy').output).toContain('successfully applied')
    expect((await migrate(open(theirs.url))).applied).toEqual([])
    expect(await describe(theirs.url, theirs.name)).toEqual(await describe(ours.url, ours.name))
  },
  CLI_MS,
)

test('concurrent migrations apply each migration once', async () => {
  const { url } = await createOwned()
  const done = await Promise.all([open(url), open(url), open(url)].map((pool) => migrate(pool)))
  expect(done.flatMap(({ applied }) => applied).sort()).toEqual(
    (await readMigrations()).map((one) => one.name),
  )
})

const migration = (name: string, sql: string): Migration => ({ name, sql, checksum: sql.slice(0, 64) })

test('a migration that was changed after it had been applied is refused, and one that fails leaves nothing', async () => {
  const { url } = await createOwned()
  const pool = open(url)
  const first = migration('1_first', 'create table a ()')
  const broken = migration('2_broken', 'create table b (); select 1 / 0')
  await expect(migrate(pool, [first, broken])).rejects.toThrow('division by zero')
  const tables = "select to_regclass('a') is not null as a, to_regclass('b') is not null as b"
  expect((await pool.query(tables)).rows).toEqual([{ a: true, b: false }])
  const mended = migration('2_broken', 'create table b ()')
  expect((await migrate(pool, [first, mended])).applied).toEqual(['2_broken'])
  await expect(migrate(pool, [migration('1_first', 'create table c ()')])).rejects.toThrow('was changed')
})

test('a migration that failed in Prisma’s command line is not skipped', async () => {
  const { url } = await createOwned()
  const pool = open(url)
  const first = migration('1_first', 'create table a ()')
  await migrate(pool, [])
  await pool.query(
    "insert into _prisma_migrations (id, checksum, migration_name) values ('x', 'x', '1_first')",
  )
  await expect(migrate(pool, [first])).rejects.toThrow('prisma migrate resolve')
  await pool.query('update _prisma_migrations set rolled_back_at = now()')
  expect((await migrate(pool, [first])).applied).toEqual(['1_first'])
})

test('later migrations run on a database with a backlog, and the previous version continues to accept', async () => {
  const { url } = await createOwned('superuser')
  const pool = open(url)
  const [baseline, ...later] = await readMigrations()
  if (!baseline) throw new Error('there is no baseline')
  await migrate(pool, [baseline])
  const tenantId = await buildTenant(pool)
  const acceptAsBefore = () =>
    open(url, 'lettergate_batch').query({
      text: `insert into outbox (message_id, tenant_id, mode, state, due_at, first_due_at, content_bytes, accepted_at)
             values ($1, $2, 'live', 'ready', now(), now(), 20, now())`,
      values: [newId(), tenantId],
    })
  await acceptAsBefore()
  expect((await migrate(pool)).applied).toEqual(later.map(({ name }) => name))
  await acceptAsBefore()
  const batch = open(url, 'lettergate_batch')
  const options = { depth: 10, afterTenant: FIRST_TENANT, tenantsMax: 10, leaseMs: 10_000 }
  const { claims } = await claimMessages(batch, options)
  expect(claims.map(({ isBulk }) => isBulk)).toEqual([false, false])
  for (const role of ['lettergate_batch', 'lettergate_tenant'] as const) {
    await expect(open(url, role).query('select retry_hours from tenant')).resolves.toBeDefined()
  }
  expect((await pool.query(`select retry_hours from tenant where plan <> 'operator'`)).rows).toEqual([
    { retry_hours: 72 },
  ])
})
