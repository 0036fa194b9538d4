import { type ChildProcess, spawnSync } from 'node:child_process'

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { freePort, startRedis } from '../test/redis.ts'
import { createDeliverQueue } from './deliver-queue.ts'

const isInstalled = spawnSync('redis-server', ['--version']).status === 0
if (!isInstalled) process.stdout.write('skipped: redis-server is not installed\n')

const claim = { messageId: '018f3b2a-0000-7000-8000-000000000001', tenantId: crypto.randomUUID() }
const claims = [{ ...claim, epoch: 1, contentBytes: 1, isBulk: false }]
const servers: ChildProcess[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.kill('SIGKILL')
})

async function serve(port: number, policy?: string): Promise<void> {
  servers.push(await startRedis(port, policy))
}

test.skipIf(!isInstalled)('a Redis that may evict jobs is refused, with the way to fix it', async () => {
  const port = await freePort()
  await serve(port, 'allkeys-lru')
  const opening = createDeliverQueue({ kind: 'redis', url: `redis://127.0.0.1:${port}` }, () => {})
  await expect(opening).rejects.toThrow(/maxmemory-policy is allkeys-lru.*noeviction/)
})

test.skipIf(!isInstalled)(
  'the queue starts without Redis, refuses immediately, and works when Redis is available',
  async () => {
    const port = await freePort()
    const url = `redis://127.0.0.1:${port}`
    const queue = await createDeliverQueue({ kind: 'redis', url }, () => {})
    expect(queue.isOpen()).toBe(false)
    await expect(queue.add(claims)).rejects.toThrow('Redis is away')
    await serve(port)
    const deadline = performance.now() + 10_000
    while (!queue.isOpen() && performance.now() < deadline) await sleep(50)
    await queue.add(claims)
    await queue.close()
  },
)

test.skipIf(!isInstalled)('a Redis that becomes available later and may evict jobs is not used', async () => {
  const port = await freePort()
  const errors: Error[] = []
  const url = `redis://127.0.0.1:${port}`
  const queue = await createDeliverQueue({ kind: 'redis', url }, (error) => errors.push(error))
  await serve(port, 'volatile-lru')
  const deadline = performance.now() + 10_000
  const isRefused = () => errors.some((error) => error.message.includes('noeviction'))
  while (!isRefused() && performance.now() < deadline) await sleep(50)
  expect(isRefused()).toBe(true)
  expect(queue.isOpen()).toBe(false)
  await queue.close()
})
