import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { inTransaction, type Pool, type PoolClient } from './pool.ts'

const FOLDER = new URL('../migrations/', import.meta.url)
/** Any fixed number: two processes that migrate at once take turns on it. */
const LOCK = 7_305_501
/** One may rewrite a large table, or wait for another process that does. */
const DEADLINE_MS = 6 * 3_600_000

type Migration = { name: string; sql: string; checksum: string }

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, FOLDER), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Brings the database to the newest schema; forward only, each file in a transaction of its own.
 * Refuses to go on if a file that was applied before has been changed since.
 */
export async function migrate(pool: Pool): Promise<{ applied: string[] }> {
  const migrations = await readMigrations()
  const applied: string[] = []
  const inLongTransaction = <T>(work: (client: PoolClient) => Promise<T>) =>
    inTransaction(pool, work, { deadlineMs: DEADLINE_MS })
  await inLongTransaction(async (client) => {
    await client.query('set local statement_timeout = 0; set local lock_timeout = 0')
    await client.query({ text: 'select pg_advisory_xact_lock($1)', values: [LOCK] })
    await client.query(`create table if not exists schema_migration (
      name text primary key, checksum text not null, applied_at timestamptz not null default now())`)
  })
  for (const migration of migrations) {
    const isNew = await inLongTransaction(async (client) => {
      await client.query('set local statement_timeout = 0; set local lock_timeout = 0')
      await client.query({ text: 'select pg_advisory_xact_lock($1)', values: [LOCK] })
      const { rows } = await client.query<{ checksum: string }>({
        text: 'select checksum from schema_migration where name = $1',
        values: [migration.name],
      })
      const before = rows[0]
      if (before) {
        if (before.checksum === migration.checksum) return false
        throw new Error(
          `migration ${migration.name} was changed after it had been applied; add a new file instead`,
        )
      }
      await client.query(migration.sql)
      await client.query({
        text: 'insert into schema_migration (name, checksum) values ($1, $2)',
        values: [migration.name, migration.checksum],
      })
      return true
    })
    if (isNew) applied.push(migration.name)
  }
  return { applied }
}
