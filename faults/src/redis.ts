import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.ts'
import { startProcess, untilListening } from './processes.ts'

export type RedisServer = {
  url: string
  port: number
  pid: number
  /** Sends one inline command and answers the raw reply. */
  command(line: string): Promise<string>
  destroy(): Promise<void>
}

/** Whether this machine has a redis-server to start. */
export function redisInstalled(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'redis-server')))
}

/** A Redis of its own: nothing on disk, never evicting, in a temporary folder. */
export async function createRedisServer(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-redis-'))
  const port = await freePort()
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    'maxmemory-policy': 'noeviction',
  }
  const server = startProcess({
    name: 'redis-server',
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  })
  await untilListening(server, port)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: server.pid,
    command: (line) => inlineCommand(port, line),
    async destroy() {
      await server.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
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
