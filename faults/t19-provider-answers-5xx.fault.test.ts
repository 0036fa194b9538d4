import { fromPublicId } from '@lettergate/contracts/ids'
import { type Client, createClient, inParallel } from '@lettergate/faults/client'
import { promisedIds } from '@lettergate/faults/client-ledger'
import { addSenders, closeSenders, trickle, waitsOf } from '@lettergate/faults/fairness'
import { createConnection, createTenant, resendConnection } from '@lettergate/faults/gateway'
import { hurryDuring, hurryPaceDuring, hurryRetries } from '@lettergate/faults/hurry-retries'
import { percentile } from '@lettergate/faults/percentile'
import { waitUntil } from '@lettergate/faults/ports'
import { reportResult } from '@lettergate/faults/report'
import { announceSeed, faultsCount, type Random } from '@lettergate/faults/seed'
import { settle } from '@lettergate/faults/settle'
import { type Stack, startStack } from '@lettergate/faults/stack'
import { afterAll, beforeAll, expect, test } from 'vitest'

/* What spares a failing provider here are the waits of each mail: circuits are closed again at once. T39 is about those. */
const EACH = Math.ceil(faultsCount(300) / 3)
const CONTROL_N = 20
const OTHERS = 4
/** What the waits between tries aim at; ±20 %, so that those who failed together do not come back together. */
const GAPS_S = [60, 120, 300]
const JITTER = 0.2
const WAIT_MS_MAX = 2_000
/** Three times the idle wait, but not less than this: a busy machine adds as much by itself. */
const WAIT_MS_LEAST = 500

let stack: Stack
let random: Random
let resendClient: Client

beforeAll(async () => {
  random = announceSeed('T19')
  stack = await startStack({ dailyLimit: 1_000_000 })
  const { apiKey } = await createTenant(stack.env, 1_000_000)
  await createConnection(stack.apiUrl, apiKey, resendConnection(stack.provider.url))
  resendClient = createClient({ url: stack.apiUrl, apiKey, ledger: stack.ledger, connections: 16 })
}, 60_000)
afterAll(async () => {
  resendClient?.close()
  await stack?.[Symbol.asyncDispose]()
})

async function send(client: Client, name: string, count: number): Promise<Set<string>> {
  const ids = new Set<string>()
  await inParallel(count, 16, async (index) => {
    const to = [`${name}@example.net`]
    const request = await client.sendUntilSettled({ idempotencyKey: `${name}-${index}`, to })
    for (const id of promisedIds(request)) ids.add(id)
  })
  return ids
}

/** Seconds from each try's end to the next one, of the messages that wait after this many tries. */
async function readGaps(attempts: number): Promise<number[]> {
  const { rows } = await stack.pool.query<{ gap: number }>({
    text: `select extract(epoch from o.due_at - a.finished_at)::float8 as gap
           from outbox o join attempt a on a.message_id = o.message_id and a.number = o.attempts
           where o.state = 'waiting' and o.attempts = $1`,
    values: [attempts],
  })
  return rows.map(({ gap }) => gap)
}

/** The waits that a provider's failures earn, try after try. */
async function measureGaps(count: number): Promise<number[][]> {
  const gaps: number[][] = []
  for (let attempt = 1; attempt <= GAPS_S.length; attempt++) {
    if (attempt > 1) await hurryRetries(stack.pool)
    const allWait = async () => (await readGaps(attempt)).length === count
    await waitUntil(`${count} failures of try ${attempt}`, 30_000, allWait, 200)
    gaps.push(await readGaps(attempt))
  }
  return gaps
}

/** The largest part of them that falls into one second. */
function mostTogether(gaps: number[]): number {
  const counts = [...Map.groupBy(gaps, Math.floor).values()].map(({ length }) => length)
  return Math.max(...counts) / gaps.length
}

test('T19: while a provider fails, its mails are tried again later and later, nothing that it took goes out twice, and other tenants notice nothing', async () => {
  const senders = await addSenders(stack, OTHERS, stack.provider)
  const clients = senders.map(({ client }) => client)
  await trickle(clients, { each: 4, withinMs: 500, prefix: 'warm-up', random })
  const idle = await trickle(clients, { each: 40, withinMs: 3_000, prefix: 'idle', random })
  await stack.provider.script({
    rules: [
      { match: 'away@', fault: { kind: 'status', status: 503 } },
      { match: 'torn@', every: 2, fault: { kind: 'status', status: 500, taken: true } },
      { match: 'torn@', fault: { kind: 'status', status: 502, taken: true } },
      { match: 'again@', every: 2, fault: { kind: 'status', status: 502, taken: true } },
      { match: 'again@', fault: { kind: 'status', status: 500 } },
    ],
  })
  const [, torn] = await Promise.all([
    send(stack.client, 'away', EACH),
    send(stack.client, 'torn', EACH),
    send(resendClient, 'again', EACH),
  ])
  const gaps = await hurryPaceDuring(stack.pool, measureGaps(2 * EACH))
  const sending = trickle(clients, { each: 40, withinMs: 3_000, prefix: 'busy', random })
  const busy = await hurryDuring(stack.pool, sending)
  await stack.provider.script({ rules: [] })
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 60_000))
  closeSenders(senders)

  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  // SES knows no keys: what it may have taken is held, and was not tried again.
  expect(new Set(verdict.unknown.filter(({ taken }) => taken).map(({ id }) => id))).toEqual(torn)
  expect(verdict.unknown).toHaveLength(EACH)
  const calls = (await stack.provider.faults()).filter(({ messageId }) => torn.has(messageId ?? ''))
  expect(calls).toHaveLength(EACH)
  const replays = (await stack.provider.replays()).length
  expect(replays).toBeGreaterThan(0)
  for (const [at, base] of GAPS_S.entries()) {
    const tried = gaps[at] ?? []
    expect(Math.min(...tried)).toBeGreaterThanOrEqual(base * (1 - JITTER) - 1)
    expect(Math.max(...tried)).toBeLessThanOrEqual(base * (1 + JITTER) + 1)
    expect(mostTogether(tried)).toBeLessThan(0.25)
  }
  const [idleP99, p99] = [await p99Of(idle), await p99Of(busy)]
  expect(p99).toBeLessThanOrEqual(Math.min(WAIT_MS_MAX, Math.max(3 * idleP99, WAIT_MS_LEAST)))
  reportResult({
    test: 'T19',
    fault: '500, 502 and 503 for every try of two tenants, with and without taking the mail',
    n: 3 * EACH,
    result: `waits of ${gaps.map((tried) => `${Math.round(percentile(tried, 50))} s`).join(', ')} in the median, at most ${percent(Math.max(...gaps.map(mostTogether)))} of them in one second; 0 lost, 0 repeats, ${verdict.unknown.length} taken with a 5xx by SES are unknown and were not tried again, ${replays} repeats recognised by Resend; p99 of the others ${p99} ms, ${idleP99} ms before`,
    bound: `waits grow with ±20 %, 0 lost, 0 repeats, p99 of the others ≤ 3 × and ≤ ${WAIT_MS_MAX} ms`,
  })
}, 120_000)

async function p99Of(requests: Parameters<typeof waitsOf>[0]): Promise<number> {
  return percentile(await waitsOf(requests, stack.provider), 99)
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

test('T19 control: whoever tries a 5xx again, as a tenant may choose to, sends twice what was taken', async () => {
  const values = [fromPublicId('ten', stack.tenant.tenantId)]
  await stack.pool.query({ text: "update tenant set on_unknown = 'resend' where id = $1", values })
  const taken = { kind: 'status', status: 500, taken: true } as const
  await stack.provider.script({ rules: [{ match: 'chosen@', times: CONTROL_N, fault: taken }] })
  const ids = await send(stack.client, 'chosen', CONTROL_N)
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 30_000))
  const repeated = verdict.repeated.filter((text) => ids.has(text.slice(0, text.indexOf(':'))))
  expect(repeated.length).toBeGreaterThan(0)
  reportResult({
    test: 'T19 control',
    fault: '500 for mails that were taken, of a tenant that chose to send again',
    n: CONTROL_N,
    result: `${repeated.length} mails sent twice`,
    bound: '> 0 repeats',
  })
}, 60_000)
