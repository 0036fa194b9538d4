import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Starts a Redis that keeps nothing, and waits until it listens; rejects where redis-server is not installed. */
export async function startRedis(port: number, policy = 'noeviction'): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--maxmemory-policy', policy]
  const redis = spawn('redis-server', args, { stdio: 'ignore' })
  await once(redis, 'spawn')
  for (let round = 0; round < 200; round++) {
    const socket = connect(port, '127.0.0.1')
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isUp) return redis
    await sleep(25)
  }
  throw new Error('redis-server does not listen')
}
