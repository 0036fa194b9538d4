import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { freePort, startRedis } from '@lettergate/queue/test/redis'
import { describe, expect, test } from 'vitest'
import { networkOf } from './network-of.ts'
import { createRequestLimits, WINDOW_MS } from './request-limits.ts'
import { createSharedCounts, type SharedCounts } from './shared-counts.ts'

const isInstalled = spawnSync('redis-server', ['--version']).status === 0
if (!isInstalled) process.stdout.write('skipped: redis-server is not installed\n')

async function end(redis: ChildProcess): Promise<void> {
  redis.kill('SIGKILL')
  await once(redis, 'exit')
}

function build(shared: SharedCounts | null = null) {
  const state = { nowMs: 0 }
  const hits: string[] = []
  const limits = createRequestLimits({ shared, onHit: (by) => hits.push(by), now: () => state.nowMs })
  const send = (
    times: number,
    keyId = 'key',
    tenantId = 'tenant',
    rates = { tenant: 10, key: null as number | null },
  ) =>
    Array.from({ length: times }, () => limits.take({ keyId, tenantId, rates })).filter((hit) => hit === null)
      .length
  return { state, hits, limits, send }
}

describe('limits of requests', () => {
  test('a hot key is stopped at 80 % of the limit of its tenant, and the other keys have the rest', () => {
    const { send, hits } = build()
    expect(send(500, 'hot')).toBe(80)
    expect(send(500, 'other')).toBe(20)
    expect(send(500, 'of another tenant', 'other tenant')).toBe(80)
    expect(new Set(hits)).toEqual(new Set(['key', 'tenant']))
  })
  test('a key with a limit of its own keeps it', () => {
    expect(build().send(500, 'key', 'tenant', { tenant: 10, key: 3 })).toBe(30)
  })
  test('a plan without a limit has none', () => {
    const { limits } = build()
    expect(limits.take({ keyId: 'k', tenantId: 't', rates: { tenant: null, key: null } })).toBeNull()
  })
  test('a refusal says when the next window begins, and it begins then', () => {
    const { send, limits, state } = build()
    send(100)
    state.nowMs = 2_500
    const hit = limits.take({ keyId: 'key', tenantId: 'tenant', rates: { tenant: 10, key: null } })
    expect(hit).toEqual({ by: 'key', limit: 80, windowSeconds: 10, resetSeconds: 8 })
    state.nowMs = WINDOW_MS
    expect(send(500)).toBe(80)
  })
  test('without a key, an IPv4 address and an IPv6 network of 64 bits have a limit each', () => {
    const { limits } = build()
    const take = (address: string) => limits.takeAddress(address) === null
    const taken = Array.from({ length: 300 }, (_, i) => take(`2001:db8:1:2::${i.toString(16)}`))
    expect(taken.filter(Boolean)).toHaveLength(200)
    expect(take('2001:db8:1:3::1')).toBe(true)
    expect(take('203.0.113.1')).toBe(true)
  })
  test.each([
    ['203.0.113.1', '203.0.113.1'],
    ['::ffff:203.0.113.1', '203.0.113.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:02::9', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s is counted as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe.skipIf(!isInstalled)('limits that processes share by a real Redis', () => {
  test('the processes together stop at the limit; a Redis that is killed refuses nobody, and one that is back counts again', async () => {
    const port = await freePort()
    let redis = await startRedis(port)
    const results: string[] = []
    const process = () =>
      build(
        createSharedCounts({
          url: `redis://127.0.0.1:${port}`,
          windowMs: WINDOW_MS,
          onResult: (result) => results.push(result),
        }),
      )
    const [one, two] = [process(), process()]
    const meet = async () => {
      await one.limits.sync()
      await two.limits.sync()
      await one.limits.sync()
    }
    await expect
      .poll(async () => {
        one.send(10, 'warm', 'warm')
        await one.limits.sync()
        return results.at(-1)
      })
      .toBe('ok')
    await expect
      .poll(async () => {
        two.send(10, 'warm', 'warm')
        await two.limits.sync()
        return results.at(-1)
      })
      .toBe('ok')

    expect([one.send(40), two.send(30)]).toEqual([40, 30])
    await meet()
    // 70 of 80 are used, which both know.
    two.send(1)
    await meet()
    expect(one.send(500) + two.send(0)).toBe(9)

    await end(redis)
    expect([one.send(40, 'k2', 't2'), two.send(40, 'k2', 't2')]).toEqual([40, 40])
    await meet()
    expect(results.at(-1)).toBe('failed')
    expect([one.send(500, 'k2', 't2'), two.send(500, 'k2', 't2')]).toEqual([40, 40])

    redis = await startRedis(port)
    await expect
      .poll(
        async () => {
          one.send(10, 'k3', 't3')
          await one.limits.sync()
          return results.at(-1)
        },
        { timeout: 10_000 },
      )
      .toBe('ok')
    await Promise.all([one.limits.stop(), two.limits.stop()])
    await end(redis)
  })
})
