import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.ts'
import { type Managed, startProcess, untilListening } from './processes.ts'
import { reportMissing } from './report.ts'

export type RedisOptions = {
  /** Appends every write to a file, synced each second, as BullMQ advises; without it nothing is on disk. */
  aof?: boolean
  /** Where its files are; a temporary folder when absent. */
  folder?: string
}

export type RedisServer = {
  url: string
  port: number
  /** Of its present life. */
  readonly pid: number
  /** Sends one inline command and answers the raw reply. */
  command(line: string): Promise<string>
  /** Kills it; start() starts it again. */
  kill(): Promise<void>
  /** `SHUTDOWN NOSAVE`: an orderly end that writes nothing. */
  shutdown(): Promise<void>
  /** With other options than before, if given. */
  start(options?: Pick<RedisOptions, 'aof'>): Promise<void>
  /** Suspends it: connections stay open, without answers. */
  freeze(): void
  thaw(): void
  destroy(): Promise<void>
}

/** Whether this machine has a redis-server to start. */
export function redisInstalled(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const installed = folders.some((folder) => existsSync(join(folder, 'redis-server')))
  if (!installed) reportMissing('redis-server is not installed')
  return installed
}

/** A Redis of its own, never evicting. */
export async function createRedisServer(options: RedisOptions = {}): Promise<RedisServer> {
  const temporary = options.folder === undefined ? await mkdtemp(join(tmpdir(), 'lettergate-redis-')) : null
  const folder = options.folder ?? temporary ?? tmpdir()
  const port = await freePort()
  let aof = options.aof ?? false
  const start = async (): Promise<Managed> => {
    const started = startServer(port, folder, aof)
    await untilListening(started, port)
    return started
  }
  let server = await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid
    },
    command: (line) => inlineCommand(port, line),
    kill: async () => void (await server.kill('SIGKILL')),
    async shutdown() {
      await inlineCommand(port, 'SHUTDOWN NOSAVE').catch(() => undefined)
      await server.exited
    },
    async start(changed = {}) {
      aof = changed.aof ?? aof
      server = await start()
    },
    freeze: () => void process.kill(server.pid, 'SIGSTOP'),
    thaw: () => void process.kill(server.pid, 'SIGCONT'),
    async destroy() {
      await server.kill('SIGKILL')
      if (temporary !== null) await rm(temporary, { recursive: true, force: true })
    },
  }
}

function startServer(port: number, folder: string, aof: boolean): Managed {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: aof ? 'yes' : 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
  }
  return startProcess({
    name: 'redis-server',
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  })
}

function inlineCommand(port: number, line: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let reply = ''
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(`${line}\r\nQUIT\r\n`))
  socket.on('data', (chunk) => {
    reply += chunk.toString()
  })
  socket.once('error', reject)
  socket.once('end', () => {
    socket.destroy()
    resolve(reply)
  })
  return promise
}
