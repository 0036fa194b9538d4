import { join } from 'node:path'
import { childEnv } from '@lettergate/config/child-env'
import type { Config } from '@lettergate/config/config'
import { migrate } from '@lettergate/db/migrate'
import { createPool, type Pool } from '@lettergate/db/pool'
import { CliError, errorCode } from '../cli-error.ts'
import { readPostmasterPid } from '../postgres/postmaster-pid.ts'
import {
  clusterDirOf,
  type EmbeddedPostgres,
  postgresUrl,
  startPostgres,
} from '../postgres/start-postgres.ts'
import { postgresPassword } from './data-folder.ts'

const DATABASE = 'lettergate'

/** A pool for a handful of statements of this command. */
export function openPool(url: string): Pool {
  return createPool({ url, max: 3, applicationName: 'lettergate-cli', onError: () => {} })
}

/** The database that the settings name, or else the folder's own Postgres, started, with our database on it. */
export async function openDatabase(
  config: Config,
): Promise<{ databaseUrl: string; postgres: EmbeddedPostgres | null }> {
  if (config.databaseUrl !== undefined) return { databaseUrl: config.databaseUrl, postgres: null }
  const password = postgresPassword(config.dataDir)
  const postgres = await startPostgres({ folder: config.dataDir, password, env: childEnv({}) })
  const server = openPool(postgres.url())
  try {
    const { rowCount } = await server.query({
      text: 'select from pg_database where datname = $1',
      values: [DATABASE],
    })
    if (rowCount === 0) await server.query(`create database ${DATABASE}`)
  } catch (error) {
    await postgres.stop()
    throw error
  } finally {
    await server.end()
  }
  return { databaseUrl: postgres.url(DATABASE), postgres }
}

/** Brings the schema up to date; a database that cannot be reached is one clear line. */
export async function migrateDatabase(pool: Pool): Promise<string[]> {
  try {
    return (await migrate(pool)).applied
  } catch (cause) {
    throw new CliError(`cannot prepare the database: ${reasonOf(cause)}`, { cause })
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(reasonOf))].join('; ')
  if (!(error instanceof Error)) return String(error)
  return error.message || errorCode(error) || error.name
}

/** The database that a command means: DATABASE_URL, or the embedded one of a gateway that runs on this data folder. */
export function databaseUrlOf(config: Config): string {
  if (config.databaseUrl !== undefined) return config.databaseUrl
  const running = readPostmasterPid(clusterDirOf(config.dataDir))
  if (running?.isReady) return postgresUrl(running.port, postgresPassword(config.dataDir), DATABASE)
  throw new CliError(`DATABASE_URL is not set, and no Lettergate runs on ${join(config.dataDir)}`)
}
