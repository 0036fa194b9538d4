import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { migrate } from '../src/migrate.ts'
import { createPool, type Pool, type PoolOptions } from '../src/pool.ts'
import {
  createOperatorPrisma,
  createTenantPrisma,
  type OperatorPrisma,
  type TenantPrisma,
} from '../src/prisma.ts'
import { createTenants, type Tenants } from '../src/tenant-scope.ts'
import { settingsForPlainJoins } from './older-server.ts'

/** The server that tests make their databases on; the test runner's set-up starts one and names it here. */
const SERVER = process.env.LETTERGATE_TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const TEMPLATE = 'lettergate_template'
const LOCK = 7_305_502

export type TestDatabase = {
  url: string
  /** With all rights: what a test sets up and looks at. */
  pool: Pool
  /** With the rights of a worker: what statements for many tenants run with. */
  batch: Pool
  tenants: Tenants
  prisma: TenantPrisma
  operator: OperatorPrisma
  drop(): Promise<void>
}

function urlOf(database: string): string {
  const url = new URL(SERVER)
  url.pathname = `/${database}`
  return url.href
}

async function withServer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: SERVER })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function openPool(url: string, max: number, role?: PoolOptions['role']): Pool {
  return createPool({
    url,
    max,
    ...(role && { role }),
    applicationName: 'lettergate-test',
    onError: () => {},
    statementTimeoutMs: 60_000,
  })
}

/** A clone copies each file of each partition, and tests need no days to come; rows of other days have the default partition. */
const DROP_OTHER_DAYS = `
  do $$
  declare name text;
  begin
    for name in select c.relname from pg_class c where c.relispartition and c.relkind = 'r' and c.relname ~ '_[0-9]{8}$'
                and right(c.relname, 8) not in (to_char(now() at time zone 'utc', 'YYYYMMDD'), to_char(now() at time zone 'utc' + interval '1 day', 'YYYYMMDD'))
    loop
      execute format('drop table %I', name);
    end loop;
  end
  $$`

let template: Promise<void> | undefined

/** Resolves once the template is migrated. Test files of one worker share this module, so each worker asks once. */
function templateReady(): Promise<void> {
  template ??= withServer(ensureTemplate)
  return template
}

/** Migrates the template database that `createTestDatabase` clones; the first worker to come does it. */
async function ensureTemplate(client: pg.Client): Promise<void> {
  await client.query(`select pg_advisory_lock(${LOCK})`)
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [TEMPLATE])
    if (rowCount === 0) await client.query(`create database ${TEMPLATE}`)
    const pool = openPool(urlOf(TEMPLATE), 1)
    try {
      const { applied } = await migrate(pool)
      if (applied.length > 0) await pool.query(DROP_OTHER_DAYS)
    } finally {
      await pool.end()
    }
  } finally {
    await client.query(`select pg_advisory_unlock(${LOCK})`)
  }
}

/** A closed connection's backend takes a moment to end: only those that stay count. */
async function connectionsLeft(client: pg.Client, database: string): Promise<string[]> {
  for (let round = 0; ; round++) {
    const { rows } = await client.query<{ application_name: string }>(
      'select application_name from pg_stat_activity where datname = $1',
      [database],
    )
    if (rows.length === 0 || round === 40) return rows.map((row) => row.application_name)
    await sleep(25)
  }
}

/** A migrated database of the caller's own; `drop` fails the test if it leaves connections open. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `lettergate_test_${randomBytes(6).toString('hex')}`
  await templateReady()
  await withServer(async (client) => {
    // Cloning is refused while anybody is connected to the template: one at a time, under the same lock.
    await client.query(`select pg_advisory_lock(${LOCK})`)
    await client.query(`create database ${name} template ${TEMPLATE}`)
    await client.query(`select pg_advisory_unlock(${LOCK})`)
    for (const [setting, value] of Object.entries(settingsForPlainJoins()))
      await client.query(`alter database ${name} set ${setting} = ${value}`)
  })
  const url = urlOf(name)
  const pool = openPool(url, 10)
  const batch = openPool(url, 8, 'lettergate_batch')
  const tenants = createTenants({
    url,
    max: 10,
    applicationName: 'lettergate-test-tenants',
    onError: () => {},
  })
  return {
    url,
    pool,
    batch,
    tenants,
    prisma: createTenantPrisma(tenants),
    operator: createOperatorPrisma(pool),
    async drop() {
      await Promise.all([pool.end(), batch.end(), tenants.close()])
      const left = await withServer(async (client) => {
        const names = await connectionsLeft(client, name)
        await client.query(`drop database ${name} with (force)`)
        return names
      })
      if (left.length > 0) throw new Error(`the test left connections open: ${left.join(', ')}`)
    },
  }
}
