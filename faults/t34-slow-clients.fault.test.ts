import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startNaiveStack } from './src/naive-stack.ts'
import { loadDuring, percentile, statusesOf } from './src/paced-load.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { dawdle, type SlowKind } from './src/slow-client.ts'
import { startStack } from './src/stack.ts'

const SOCKETS = Math.min(500, faultsCount(500))
const CLOSED_MS_MAX = 15_000
const PER_SECOND = 50
const ANSWER_MS_MAX = 500
const KINDS: SlowKind[] = ['silent', 'slow headers', 'slow body']

test('T34: clients that never finish are disconnected within 15 seconds, and other clients are not affected', async () => {
  const random = announceSeed('T34')
  await using stack = await startStack({ dailyLimit: 100_000 })
  const target = { port: Number(stack.env.API_PORT), apiKey: stack.tenant.apiKey }
  const alone = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 'alone' }, () => sleep(3_000))
  const dawdling = Array.from({ length: SOCKETS }, async () => {
    const kind = KINDS[random.below(KINDS.length)] ?? 'silent'
    await sleep(random.below(500))
    return await dawdle(target, kind, CLOSED_MS_MAX + 5_000)
  })
  const among = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 'among' }, () =>
    Promise.all(dawdling),
  )
  const ends = await Promise.all(dawdling)
  const { verdict } = await settle(stack, 30_000)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(ends.filter(({ closedAfterMs }) => closedAfterMs === undefined)).toEqual([])
  expect(ends.filter(({ kind, status }) => kind !== 'silent' && status !== 408)).toEqual([])
  const slowest = Math.round(Math.max(...ends.map(({ closedAfterMs }) => closedAfterMs ?? 0)))
  expect(slowest).toBeLessThanOrEqual(CLOSED_MS_MAX)
  expect(statusesOf(among)).toEqual({ 202: among.length })
  const [p99Alone, p99] = [percentile(alone, 0.99), percentile(among, 0.99)]
  expect(p99).toBeLessThanOrEqual(ANSWER_MS_MAX)
  reportResult({
    test: 'T34',
    fault: `${SOCKETS} connections that say nothing, or one byte of their headers or body a second`,
    n: SOCKETS,
    result: `all closed after ${slowest} ms at most, 408 to all that had begun; p99 of ${among.length} others ${p99} ms, ${p99Alone} ms before`,
    bound: `closed ≤ ${CLOSED_MS_MAX} ms, p99 of others ≤ ${ANSWER_MS_MAX} ms, all of them 202`,
  })
}, 90_000)

test('T34 control: a server with default time-outs keeps them connected', async () => {
  announceSeed('T34 control')
  await using stack = await startNaiveStack({})
  const target = { port: stack.port, apiKey: 'none' }
  const ends = await Promise.all(
    Array.from({ length: 30 }, (_, index) => dawdle(target, KINDS[index % 3] ?? 'silent', CLOSED_MS_MAX)),
  )
  const open = ends.filter(({ closedAfterMs }) => closedAfterMs === undefined).length
  expect(open).toBeGreaterThan(0)
  reportResult({
    test: 'T34 control',
    fault: `${ends.length} such connections to a server with its default time-outs`,
    n: ends.length,
    result: `${open} still open after ${CLOSED_MS_MAX} ms`,
    bound: '> 0 still open',
  })
}, 60_000)
