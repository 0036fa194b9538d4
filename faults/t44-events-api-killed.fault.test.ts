import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { createConnection } from './src/gateway.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { type Stack, startStack } from './src/stack.ts'

const N = Math.min(2_000, faultsCount(300))
const WIDTH = 16
const PUBLIC_URL = 'https://mail.example.com'
const GIVEN_UP_MS = 60_000

/** Where the events of a connection to Postmark come in, registered by hand, and the password that Postmark sends along. */
async function registerByHand({ apiUrl, tenant }: Stack): Promise<{ url: string; password: string }> {
  const id = await createConnection(apiUrl, tenant.apiKey, {
    provider: 'postmark',
    credentials: { server_token: 'secret' },
    settings: {},
    priority: 1_000,
  })
  const response = await fetch(`${apiUrl}/v1/connections/${id}/register-events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ manual: true }),
  })
  const { url, steps }: { url: string; steps: string[] } = JSON.parse(await response.text())
  const [, password = ''] = /the password ([\w-]+)\./.exec(steps.join(' ')) ?? []
  return { url: url.replace(PUBLIC_URL, apiUrl), password }
}

/** Posts an event as a provider does: again and again, until the answer is 200. Answers how often. */
async function postUntilTaken(url: string, password: string, event: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`lettergate:${password}`).toString('base64')}`
  const until = performance.now() + GIVEN_UP_MS
  for (let times = 1; performance.now() < until; times++) {
    const status = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ RecordType: 'Delivery', MessageID: event }),
    }).then(
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
  const { url, password } = await registerByHand(stack)
  let posted = 0
  await inParallel(N, WIDTH, async (index) => {
    const times = await postUntilTaken(url, password, `event-${index}`)
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
