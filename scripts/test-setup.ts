import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../apps/lettergate/src/postgres/start-postgres.ts'

/**
 * One Postgres for the whole test run, in a folder of its own, with fsync on: tests never depend on what this machine happens
 * to run. Files that need a database clone one from it (packages/db/test/database.ts).
 */
export async function setup(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'lettergate-test-'))
  const postgres = await startPostgres({
    folder,
    password: randomBytes(18).toString('base64url'),
    env: process.env,
    settings: { max_connections: '300' },
  })
  process.env.LETTERGATE_TEST_DATABASE_URL = postgres.url()
  return async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true })
  }
}
