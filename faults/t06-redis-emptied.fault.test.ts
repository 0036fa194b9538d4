import { setTimeout as sleep } from 'node:timers/promises'
import { inParallel } from '@lettergate/faults/client'
import { promisedIds } from '@lettergate/faults/client-ledger'
import { startNaiveStack } from '@lettergate/faults/naive-stack'
import { summarize } from '@lettergate/faults/oracle'
import { waitUntil } from '@lettergate/faults/ports'
import { redisInstalled } from '@lettergate/faults/redis'
import { reportResult } from '@lettergate/faults/report'
import { announceSeed, faultsCount } from '@lettergate/faults/seed'
import { settle } from '@lettergate/faults/settle'
import { type Stack, startStack } from '@lettergate/faults/stack'
import { expect, test } from 'vitest'

const N = faultsCount(1_200)
const SCHEDULED = Math.ceil(N / 20)
const SCHEDULE_MS = 15_000
const LATE_MS_MAX = 15_000
const MOVING_AGAIN_MS_MAX = 30_000
/** Slow enough that jobs wait in Redis when it is emptied. */
const LATENCY_MS = 300

async function emptyRedis(stack: Stack, atCount: number): Promise<void> {
  await waitUntil(`${atCount} hand-offs`, 60_000, async () => (await stack.provider.count()) >= atCount, 10)
  await stack.redis?.command('FLUSHALL')
  const before = await stack.provider.count()
  // What was in flight lands anyway: more than that shows that the queue moves again.
  const moved = async () => (await stack.provider.count()) > Math.min(before + 200, N - SCHEDULED - 1)
  await waitUntil('the queue to move again', MOVING_AGAIN_MS_MAX, moved)
}

async function latenesses(stack: Stack, dueAt: Date): Promise<number[]> {
  const scheduled = stack.ledger.requests().filter(({ idempotencyKey }) => idempotencyKey.startsWith('later'))
  const ids = new Set(scheduled.flatMap((request) => [...promisedIds(request)]))
  const entries = (await stack.provider.ledger()).filter(({ messageId }) => ids.has(messageId ?? ''))
  return entries.map(({ at }) => at - dueAt.getTime())
}

test.skipIf(!redisInstalled())(
  'T6: everything accepted is sent, and sent once, though Redis is emptied in the middle',
  async () => {
    announceSeed('T6')
    await using stack = await startStack({ dailyLimit: N, providerLatencyMs: LATENCY_MS })
    const sendAt = new Date(Date.now() + SCHEDULE_MS)
    await inParallel(SCHEDULED, 16, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `later-${index}`, to: ['user@example.net'], sendAt }),
    )
    const writing = inParallel(N - SCHEDULED, 64, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `now-${index}`, to: ['user@example.net'] }),
    )
    await emptyRedis(stack, Math.floor(N / 6))
    await emptyRedis(stack, Math.floor(N / 2))
    await writing
    await sleep(Math.max(0, sendAt.getTime() - Date.now()))
    const { verdict, waitedMs } = await settle(stack, 100_000)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    const late = await latenesses(stack, sendAt)
    expect(late).toHaveLength(SCHEDULED)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThanOrEqual(LATE_MS_MAX)
    reportResult({
      test: 'T6',
      fault: `Redis emptied twice in mid-run, ${SCHEDULED} of the messages scheduled`,
      n: N,
      result: `0 lost, 0 repeats, 0 unknown, scheduled ≤ ${Math.max(...late)} ms late, settled after ${waitedMs} ms`,
      bound: '0 lost, 0 repeats, moving again ≤ 30 s, scheduled ≤ 15 s late',
    })
  },
  240_000,
)

test.skipIf(!redisInstalled())(
  'T6 control: a gateway whose backlog lives in Redis loses it',
  async () => {
    announceSeed('T6 control')
    await using stack = await startNaiveStack({
      withRedis: true,
      backlog: 'redis',
      providerLatencyMs: LATENCY_MS,
    })
    await inParallel(200, 64, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `t6-${index}`, to: ['user@example.net'] }),
    )
    await stack.redis?.command('FLUSHALL')
    await sleep(3 * LATENCY_MS)
    const { lost } = summarize(await stack.judge())
    expect(lost).toBeGreaterThan(0)
    reportResult({
      test: 'T6 control',
      fault: 'a gateway whose backlog lives in Redis alone; Redis emptied once',
      n: 200,
      result: `${lost} lost`,
      bound: 'lost',
    })
  },
  60_000,
)
