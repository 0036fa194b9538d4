import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { type EventTarget, PUBLIC_URL, postEvent, registerByHand } from './src/provider-events.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { startStack } from './src/stack.ts'

const N = Math.min(2_000, faultsCount(300))
const WIDTH = 16
const GIVEN_UP_MS = 60_000

/** Posts an event as a provider does: again and again, until the answer is 200. Answers how often. */
async function postUntilTaken(target: EventTarget, event: string): Promise<number> {
  const until = performance.now() + GIVEN_UP_MS
  for (let times = 1; performance.now() < until; times++) {
    const status = await postEvent(target, event).then(
      (response) => response.status,
      () => 0,
    )
    if (status === 200) return times
    if (status >= 400 && status < 500) throw new Error(`the event was refused: ${status}`)
    await sleep(50)
  }
  throw new Error('the event was never taken')
}

test('T44: every event of a provider is kept, however often the api is killed after its commit', async () => {
  const random = announceSeed('T44')
  const at = (part: string) => `after_provider_event_commit:kill9:${part}`
  await using stack = await startStack({
    dailyLimit: 1_000,
    seed: random.seed,
    apiEnv: { LETTERGATE_PUBLIC_URL: PUBLIC_URL },
    apiFailpoints: [at('1/1'), at('1/4'), at('1/8')],
  })
  const target = await registerByHand(stack)
  let posted = 0
  await inParallel(N, WIDTH, async (index) => {
    const times = await postUntilTaken(target, `event-${index}`)
    posted += times
  })
  const { rows } = await stack.pool.query<{ kept: number; events: number }>({
    text: `select count(*)::int4 as kept, count(distinct convert_from(body, 'utf8'))::int4 as events from provider_event`,
  })
  const { kept = 0, events = 0 } = rows[0] ?? {}
  expect(stack.api.deaths()).toBeGreaterThanOrEqual(2)
  expect(events).toBe(N)
  expect(kept).toBeLessThanOrEqual(posted)
  // Otherwise no answer was lost after a commit, and nothing was shown.
  expect(kept).toBeGreaterThan(N)
  reportResult({
    test: 'T44',
    fault: 'api killed after it kept events and before it answered; the provider repeats until it gets a 200',
    n: N,
    result: `0 lost, ${kept - N} kept twice, in ${stack.api.deaths()} kills`,
    bound: '0 lost; kept no more often than posted',
  })
}, 180_000)
