import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { inTransaction, type Pool, type PoolClient } from './pool.ts'

const FOLDER = new URL('../../../prisma/migrations/', import.meta.url)
/** The lock of Prisma's own command line: concurrent migrations take turns, with either of the two tools. */
const LOCK = 72_707_369
/** One may rewrite a large table, or wait for another process that does. */
const DEADLINE_MS = 6 * 3_600_000

export type Migration = { name: string; sql: string; checksum: string }

/** Prisma's ledger, column by column: `prisma migrate status` and `deploy` read and write the same table. */
const LEDGER = `
create table if not exists _prisma_migrations (
  id varchar(36) primary key not null,
  checksum varchar(64) not null,
  finished_at timestamptz,
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`

type Entry = { checksum: string; is_finished: boolean }

/** The migrations of this release, oldest first. */
export async function readMigrations(folder = FOLDER): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(new URL(`${name}/migration.sql`, folder), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

async function findEntry(client: PoolClient, { name }: Migration): Promise<Entry | undefined> {
  const { rows } = await client.query<Entry>({
    text: `
      select checksum, finished_at is not null as is_finished from _prisma_migrations
      where migration_name = $1 and rolled_back_at is null order by started_at desc limit 1`,
    values: [name],
  })
  return rows[0]
}

async function insertEntry(client: PoolClient, { name, checksum }: Migration): Promise<void> {
  await client.query({
    text: `
      insert into _prisma_migrations (id, migration_name, checksum, started_at, finished_at, applied_steps_count)
      values ($1, $2, $3, now(), clock_timestamp(), 1)`,
    values: [randomUUID(), name, checksum],
  })
}

/** False if it was applied before. */
async function apply(client: PoolClient, migration: Migration): Promise<boolean> {
  const entry = await findEntry(client, migration)
  if (entry && !entry.is_finished)
    throw new Error(
      `migration ${migration.name} failed or is under way elsewhere; see "prisma migrate resolve"`,
    )
  if (entry && entry.checksum !== migration.checksum)
    throw new Error(
      `migration ${migration.name} was changed after it had been applied; add a new one instead`,
    )
  if (entry) return false
  await client.query(migration.sql)
  await insertEntry(client, migration)
  return true
}

/**
 * Brings the database to the newest schema; forward only, each migration in a transaction of its own.
 * Refuses to go on if a migration that was applied before has been changed since.
 */
export async function migrate(
  pool: Pool,
  migrations: readonly Migration[] | null = null,
): Promise<{ applied: string[] }> {
  const applied: string[] = []
  const inTurn = <T>(work: (client: PoolClient) => Promise<T>) =>
    inTransaction(
      pool,
      async (client) => {
        await client.query('set local statement_timeout = 0; set local lock_timeout = 0')
        await client.query({ text: 'select pg_advisory_xact_lock($1)', values: [LOCK] })
        return work(client)
      },
      { deadlineMs: DEADLINE_MS },
    )
  await inTurn((client) => client.query(LEDGER))
  for (const migration of migrations ?? (await readMigrations())) {
    if (await inTurn((client) => apply(client, migration))) applied.push(migration.name)
  }
  return { applied }
}
