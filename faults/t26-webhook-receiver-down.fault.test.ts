import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import {
  type Callback,
  type CallbackReceiver,
  createEndpoint,
  moveTime,
  pauseLeftMs,
  startReceiver,
} from './src/callback-receiver.ts'
import { inParallel } from './src/client.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { type Stack, startStack } from './src/stack.ts'

const N = faultsCount(300)
const DEATHS = 10
/** Events called and not yet recorded when a worker dies. */
const IN_FLIGHT = 64
const HOUR = 3_600_000
const DOWN_HOURS = 60
const TYPES = ['message.accepted', 'recipient.sent']

function send(stack: Stack, count: number, prefix: string): Promise<unknown> {
  return inParallel(count, 16, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `${prefix}-${index}`, to: ['user@example.net'] }),
  )
}

/** Each event once, by message and type. */
const eventsOf = (calls: readonly Callback[]) =>
  new Set(calls.filter(({ status }) => status === 200).map(({ messageId, type }) => `${messageId} ${type}`))

/** All events of the feed: a message whose attempt was cut off is `unknown`, and has no `recipient.sent`. */
async function expectAll(receiver: CallbackReceiver, stack: Stack): Promise<number> {
  let wanted = 0
  await waitUntil('all callbacks', 150_000, async () => {
    const { rows } = await stack.pool.query<{ wanted: number; waiting: number }>(
      `select (select count(*)::int4 from feed where type in (1, 2)) as wanted, (select count(*)::int4 from outbox) as waiting`,
    )
    wanted = rows[0]?.wanted ?? 0
    return rows[0]?.waiting === 0 && eventsOf(receiver.calls).size >= wanted
  })
  return wanted
}

function expectGenuine(calls: readonly Callback[], secret: string): void {
  const verifier = new Webhook(secret)
  for (const { text, headers } of calls) verifier.verify(text, headers)
}

/** An event has one id, whichever process called. */
function expectStableIds(calls: readonly Callback[]): void {
  const byEvent = Map.groupBy(calls, ({ messageId, type }) => `${messageId} ${type}`)
  for (const repeats of byEvent.values()) expect(new Set(repeats.map(({ id }) => id)).size).toBe(1)
  expect(new Set(calls.map(({ id }) => id)).size).toBe(byEvent.size)
}

test('T26: workers killed between a 2xx and its record lose no callback and repeat only what was in flight', async () => {
  const seed = announceSeed('T26')
  const receiver = await startReceiver()
  await using stack = await startStack({
    dailyLimit: 1_000_000,
    expireLeases: true,
    seed: seed.seed,
    workerFailpoints: Array.from({ length: DEATHS }, () => 'after_webhooks_before_record:kill9:1/5'),
  })
  const { secret } = await createEndpoint(stack, stack.tenant.apiKey, { url: receiver.url, types: TYPES })
  let sent = 0
  while (stack.worker.deaths() < DEATHS && sent < 100 * N) {
    await send(stack, N, `t26-${sent}`)
    sent += N
    // Leases of endpoints end as those of messages do: a restart takes longer than this test has.
    const before = stack.worker.deaths()
    for (let wait = 0; wait < 50 && stack.worker.deaths() === before; wait++) await sleep(100)
    await stack.pool.query('update endpoint_state set lease_until = now() where lease_until > now()')
  }
  const deaths = stack.worker.deaths()
  expect(deaths).toBe(DEATHS)
  await stack.pool.query('update endpoint_state set lease_until = now() where lease_until > now()')
  await expectAll(receiver, stack)
  expectStableIds(receiver.calls)
  const repeats = receiver.calls.length - eventsOf(receiver.calls).size
  expect(repeats).toBeLessThanOrEqual(deaths * IN_FLIGHT)
  // Otherwise events were recorded before they were called, and those of a worker that dies in between would be lost.
  expect(repeats).toBeGreaterThan(0)
  const byId = Map.groupBy(receiver.calls, ({ id }) => id)
  for (const [first, ...again] of byId.values()) {
    for (const call of again) {
      if (first && call.at - first.at > 1_500) expect(call.timestamp).toBeGreaterThan(first.timestamp)
    }
  }
  expectGenuine(receiver.calls, secret)
  await receiver.down()
  reportResult({
    test: 'T26',
    fault: `a worker is killed ${deaths} times after the receiver's 2xx and before the record`,
    n: sent * TYPES.length,
    result: `0 callbacks lost, ${repeats} repeated under the same id with a new timestamp`,
    bound: `0 lost, ≤ ${deaths * IN_FLIGHT} repeats (${IN_FLIGHT} in flight)`,
  })
}, 600_000)

test('T26 down: a receiver that was down for 60 hours gets everything, and was left in peace meanwhile', async () => {
  announceSeed('T26 down')
  const receiver = await startReceiver()
  await using stack = await startStack({ dailyLimit: 1_000_000 })
  const { secret } = await createEndpoint(stack, stack.tenant.apiKey, { url: receiver.url, types: TYPES })
  await receiver.down()
  await send(stack, N, 't26d')
  let hours = 0
  let pauses = 0
  while (hours < DOWN_HOURS) {
    await waitUntil('the pause of the endpoint', 30_000, async () => (await pauseLeftMs(stack)) !== null)
    const left = (await pauseLeftMs(stack)) ?? 0
    const step = Math.min(left, (DOWN_HOURS - hours) * HOUR)
    await moveTime(stack, step)
    hours += step / HOUR
    pauses++
    if (pauses === 3) await send(stack, 10, 't26d-late')
  }
  const { rows } = await stack.pool.query<{ n: number; enabled: boolean }>({
    text: `select (select count(*)::int4 from delivery_try) as n, (select bool_and(enabled) from endpoint) as enabled`,
  })
  const calls = rows[0]?.n ?? 0
  expect(rows[0]?.enabled).toBe(true)
  expect(calls).toBeLessThanOrEqual(8 + 2 * pauses)
  await receiver.up()
  await moveTime(stack, (await pauseLeftMs(stack)) ?? 0)
  await expectAll(receiver, stack)
  expectStableIds(receiver.calls)
  expectGenuine(receiver.calls, secret)
  await receiver.down()
  reportResult({
    test: 'T26 down',
    fault: `the receiver of ${(N + 10) * TYPES.length} callbacks is down for ${DOWN_HOURS} h (times are moved)`,
    n: (N + 10) * TYPES.length,
    result: `0 lost; ${calls} calls in vain, in ${pauses} pauses`,
    bound: `0 lost, ≤ ${8 + 2 * pauses} calls in vain, not disabled`,
  })
}, 300_000)

test('T26 dead: a receiver that stays dead is disabled after five days, with one event', async () => {
  announceSeed('T26 dead')
  const receiver = await startReceiver()
  await using stack = await startStack({ dailyLimit: 1_000_000 })
  await createEndpoint(stack, stack.tenant.apiKey, { url: receiver.url, types: TYPES })
  await receiver.down()
  await send(stack, 20, 't26x')
  const enabled = 'select 1 from endpoint where enabled'
  let hours = 0
  while ((await stack.pool.query(enabled)).rowCount === 1 && hours < 1_000) {
    const left = await pauseLeftMs(stack)
    if (left === null) await sleep(100)
    else {
      await moveTime(stack, left)
      hours += left / HOUR
      await sleep(500)
    }
  }
  await send(stack, 5, 't26x-after')
  await sleep(2_000)
  const { rows } = await stack.pool.query<{ reason: string }>({
    text: `select data ->> 'reason' as reason from account_event where type = 'endpoint.disabled'`,
  })
  expect(rows).toHaveLength(1)
  expect(hours).toBeGreaterThanOrEqual(120)
  // The last pause before the end of the fifth day is the longest one.
  expect(hours).toBeLessThanOrEqual(120 + 30)
  reportResult({
    test: 'T26 dead',
    fault: 'the receiver never comes back (times are moved)',
    n: 25,
    result: `disabled after ${Math.round(hours)} h, with ${rows.length} event`,
    bound: 'disabled after 120 to 150 h, with 1 event',
  })
}, 300_000)
