import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { addSenders, closeSenders, trickle, waitsOf } from './src/fairness.ts'
import { fillBacklog, fillNaiveBacklog } from './src/fairness-backlog.ts'
import { sesConnection } from './src/gateway.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { percentile } from './src/percentile.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

/** 100,000 in the long form. */
const BACKLOG = faultsCount(10_000)
const TENANTS = 50
const EACH = 4
const WITHIN_MS = 3_000
/** The time of a call to the provider; its ledger is written when a mail arrives, so no wait includes this time. */
const LATENCY_MS = 100
const WAIT_MS_MAX = 2_000
/** A backlog is worked off at about 1,000 a second beside everything else. */
const SETTLE_MS_MAX = 60_000 + BACKLOG * 4

test(
  'T30: a tenant with a long backlog delays the mails of other tenants by two seconds at most',
  async () => {
    const random = announceSeed('T30')
    await using stack = await startStack({ dailyLimit: 1_000_000, providerLatencyMs: LATENCY_MS })
    const senders = await addSenders(stack, TENANTS, sesConnection(stack.provider.url))
    const clients = senders.map(({ client }) => client)
    const send = (prefix: string) => trickle(clients, { each: EACH, withinMs: WITHIN_MS, prefix, random })
    await send('warm-up')
    const idle = await send('idle')
    await fillBacklog(stack, stack.tenant.tenantId, BACKLOG)
    const before = await stack.provider.count()
    await waitUntil('the backlog to move', 30_000, async () => (await stack.provider.count()) > before + 100)
    const busy = await send('busy')
    const { rowCount } = await stack.pool.query({
      text: "select 1 from outbox where state = 'ready' limit 1",
    })
    const { verdict } = await settle(stack, SETTLE_MS_MAX)
    closeSenders(senders)
    expect(rowCount, 'the backlog outlasts the measurement').toBe(1)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    const p99 = percentile(await waitsOf(busy, stack.provider), 99)
    const idleP99 = percentile(await waitsOf(idle, stack.provider), 99)
    expect(p99).toBeLessThanOrEqual(WAIT_MS_MAX)
    reportResult({
      test: 'T30',
      fault: `one tenant has a backlog of ${BACKLOG}, ${TENANTS} others send ${EACH} mails each`,
      n: busy.length,
      result: `p99 wait of the others ${p99} ms, ${idleP99} ms without the backlog; 0 lost, 0 repeats`,
      bound: `p99 ≤ ${WAIT_MS_MAX} ms, 0 lost, 0 repeats`,
    })
  },
  120_000 + SETTLE_MS_MAX,
)

test(
  'T30 bulk: a flood of bulk delays transactional mail of the same tenant by two seconds at most',
  async () => {
    const random = announceSeed('T30 bulk')
    await using stack = await startStack({ dailyLimit: 1_000_000, providerLatencyMs: LATENCY_MS })
    const send = (prefix: string) =>
      trickle([stack.client], { each: TENANTS * EACH, withinMs: WITHIN_MS, prefix, random })
    await send('warm-up')
    const idle = await send('idle')
    await fillBacklog(stack, stack.tenant.tenantId, 2 * BACKLOG, 'app@acme.example', 'bulk')
    const before = await stack.provider.count()
    await waitUntil('the flood to move', 30_000, async () => (await stack.provider.count()) > before + 100)
    const busy = await send('busy')
    const { rowCount } = await stack.pool.query({
      text: "select 1 from outbox where state = 'ready' and is_bulk limit 1",
    })
    const { verdict } = await settle(stack, SETTLE_MS_MAX + BACKLOG * 4)
    expect(rowCount, 'the flood outlasts the measurement').toBe(1)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    const p99 = percentile(await waitsOf(busy, stack.provider), 99)
    const idleP99 = percentile(await waitsOf(idle, stack.provider), 99)
    expect(p99).toBeLessThanOrEqual(WAIT_MS_MAX)
    reportResult({
      test: 'T30 bulk',
      fault: `one tenant has ${2 * BACKLOG} bulk mails waiting and sends ${busy.length} transactional ones`,
      n: busy.length,
      result: `p99 wait of the transactional mails ${p99} ms, ${idleP99} ms without the flood; 0 lost, 0 repeats`,
      bound: `p99 ≤ ${WAIT_MS_MAX} ms, 0 lost, 0 repeats`,
    })
  },
  120_000 + SETTLE_MS_MAX + BACKLOG * 4,
)

test('T30 control: in a gateway that sends in order of arrival, other tenants wait until the backlog is empty', async () => {
  const random = announceSeed('T30 control')
  await using stack = await startNaiveStack({ providerLatencyMs: LATENCY_MS })
  const backlog = await fillNaiveBacklog(stack, 800)
  const busy = await trickle([stack.client], { each: 20, withinMs: 500, prefix: 'busy', random })
  const isDone = async () => (await stack.provider.count()) >= backlog.length + busy.length
  await waitUntil('the backlog to be gone', 30_000, isDone)
  await sleep(LATENCY_MS)
  const p99 = percentile(await waitsOf(busy, stack.provider), 99)
  expect(p99).toBeGreaterThan(WAIT_MS_MAX)
  reportResult({
    test: 'T30 control',
    fault: `a gateway that sends in order of arrival has a backlog of ${backlog.length}`,
    n: busy.length,
    result: `p99 wait of the others ${p99} ms`,
    bound: `p99 > ${WAIT_MS_MAX} ms`,
  })
}, 90_000)
