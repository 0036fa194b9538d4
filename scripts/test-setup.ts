import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../apps/lettergate/src/postgres/start-postgres.ts'

const MEMORY_DISK = '/dev/shm'
const BYTES_NEEDED = 4 * 1024 ** 3

/** A folder in memory where there is room for it: each test file clones a database of a thousand files, and the disk waits for each. */
function baseFolder(): string {
  if (!existsSync(MEMORY_DISK)) return tmpdir()
  const { bavail, bsize } = statfsSync(MEMORY_DISK)
  return bavail * bsize > BYTES_NEEDED ? MEMORY_DISK : tmpdir()
}

/**
 * One Postgres for the whole test run, in a folder of its own, with fsync on: tests never depend on what this machine happens
 * to run. Files that need a database clone one from it (packages/db/test/database.ts).
 */
export async function setup(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(baseFolder(), 'lettergate-test-'))
  const postgres = await startPostgres({
    folder,
    password: randomBytes(18).toString('base64url'),
    env: process.env,
    settings: { max_connections: '500' },
  })
  process.env.LETTERGATE_TEST_DATABASE_URL = postgres.url()
  return async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true })
  }
}
