import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { expect, test } from 'vitest'
import { createClient, inParallel } from './src/client.ts'
import { type ClientRequest, countStatuses, createClientLedger } from './src/client-ledger.ts'
import { createTenant } from './src/gateway.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { judgeStack, settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const LIMIT = 1_000
const CONNECTIONS = 40
const REQUESTS = CONNECTIONS * 35
const TO_MAX = 50

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user${index}@example.net`)
}

function recipientsOf(requests: readonly ClientRequest[], status: number): number[] {
  return requests
    .filter(({ answers }) => answers.at(-1)?.status === status)
    .map(({ recipients }) => recipients)
}

test('T27: a race for a daily limit accepts exactly the limit, and refuses nothing while room remains', async () => {
  const random = announceSeed('T27')
  await using stack = await startStack({ dailyLimit: LIMIT })
  await inParallel(REQUESTS, CONNECTIONS, (index) =>
    stack.client.send({ idempotencyKey: `one-${index}`, to: addresses(1) }),
  )
  expect(countStatuses(stack.ledger.requests())).toEqual({ 202: LIMIT, 429: REQUESTS - LIMIT })

  const other = await createTenant(stack.env, LIMIT)
  const ledger = createClientLedger()
  const client = createClient({ url: stack.apiUrl, apiKey: other.apiKey, ledger, connections: CONNECTIONS })
  await inParallel(400, CONNECTIONS, (index) =>
    client.send({ idempotencyKey: `many-${index}`, to: addresses(1 + random.below(TO_MAX)) }),
  )
  client.close()
  const accepted = recipientsOf(ledger.requests(), 202).reduce((sum, count) => sum + count, 0)
  const smallestRefused = Math.min(...recipientsOf(ledger.requests(), 429))
  expect(accepted).toBeLessThanOrEqual(LIMIT)
  expect(LIMIT - accepted).toBeLessThan(smallestRefused)

  const monthly = await createTenant(stack.env, REQUESTS)
  await stack.pool.query({
    text: `update tenant set own_limits = own_limits || jsonb_build_object('accepted_per_month', $2::int4) where id = $1`,
    values: [fromPublicId('ten', monthly.tenantId), LIMIT],
  })
  const byMonth = createClientLedger()
  const monthClient = createClient({
    url: stack.apiUrl,
    apiKey: monthly.apiKey,
    ledger: byMonth,
    connections: CONNECTIONS,
  })
  await inParallel(LIMIT + 200, CONNECTIONS, (index) =>
    monthClient.send({ idempotencyKey: `month-${index}`, to: addresses(1) }),
  )
  monthClient.close()
  expect(countStatuses(byMonth.requests())).toEqual({ 202: LIMIT, 429: 200 })
  expect((await judgeStack(stack)).overQuota).toEqual([])
  await settle(stack, 60_000)
  reportResult({
    test: 'T27',
    fault: `${CONNECTIONS} connections race for a daily limit of ${LIMIT}, singly and 1–${TO_MAX} recipients at a time, and for a month of ${LIMIT}`,
    n: REQUESTS + 400 + LIMIT + 200,
    result: `${LIMIT} and ${accepted} accepted, ${LIMIT} of a month, smallest refused ${smallestRefused}`,
    bound: `exactly ${LIMIT}; never over, room left < smallest refused`,
  })
}, 120_000)

test('T27 control: a gateway that counts and then inserts goes over the limit', async () => {
  announceSeed('T27 control')
  await using stack = await startNaiveStack({ limit: 200 })
  await inParallel(600, CONNECTIONS, (index) =>
    stack.client.send({ idempotencyKey: `one-${index}`, to: addresses(1) }),
  )
  const accepted = countStatuses(stack.ledger.requests())[202] ?? 0
  expect(summarize(await stack.judge()).overQuota).toBeGreaterThan(0)
  reportResult({
    test: 'T27 control',
    fault: 'a gateway that counts and then inserts, limit 200',
    n: 600,
    result: `${accepted} accepted`,
    bound: 'over the limit',
  })
}, 60_000)
