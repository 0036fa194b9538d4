import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NO_SUCH_NAME, startBrokenPlaces } from './src/broken-places.ts'
import { createClient, inParallel } from './src/client.ts'
import { expectNoCalls } from './src/expect-no-calls.ts'
import { createConnection, createTenant, sesConnection } from './src/gateway.ts'
import { hurryDuring, hurryRetries, hurryThrottleDuring } from './src/hurry-retries.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize, type Verdict } from './src/oracle.ts'
import { waitUntil } from './src/ports.ts'
import type { ProviderFault } from './src/provider-fault.ts'
import { startProvider } from './src/provider-process.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { sendMany } from './src/send-many.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'
import { memoryGrowthMb } from './src/worker-memory.ts'

/** The provider has the whole mail and gives no clear answer; those of the second group never end without a deadline. */
const BROKEN = {
  reset: { kind: 'reset-after-body', taken: true },
  closed: { kind: 'half-close', taken: true },
  cut: { kind: 'truncated-answer' },
  halved: { kind: 'broken-json' },
  foreign: { kind: 'not-http' },
  failing: { kind: 'status', status: 500, taken: true },
  large: { kind: 'huge-answer', bytes: 50_000_000 },
  heavy: { kind: 'huge-headers', bytes: 200_000 },
  endless: { kind: 'huge-answer', bytes: 10_000_000_000, chunked: true },
} satisfies Record<string, ProviderFault>
const SLOW = {
  silent: { kind: 'no-answer', taken: true },
  deaf: { kind: 'no-answer', taken: false },
  drip: { kind: 'drip', everyMs: 300, bytes: 1_000 },
  dripping: { kind: 'endless-headers', everyMs: 300 },
} satisfies Record<string, ProviderFault>
const FAULTS: Record<string, ProviderFault> = { ...BROKEN, ...SLOW }

const EACH = Math.ceil(faultsCount(100) / Object.keys(FAULTS).length)
const CONTROL_N = 40
const CALL_MS_MAX = 30_000
/** The worker's own use under load is about 200 MB; an answer is read up to 1 MB. */
const RSS_GROWTH_MB_MAX = 200
const IDLE_TIMEOUT_MS = 1_000

let stack: Stack
let random: Random
let verdict: Verdict
/** Message ids by the name of their fault. */
const ids = new Map<string, Set<string>>()
let growthMb: number
/** The controls run while the calls of the gateway wait for their deadline. */
let controls: Promise<['ended' | 'still waiting', number]>

beforeAll(async () => {
  random = announceSeed('T21')
  stack = await startStack({ dailyLimit: 1_000_000, workerEnv: { NODE_OPTIONS: NO_SUCH_NAME } })
  await stack.provider.script({
    rules: Object.entries(FAULTS).map(([name, fault]) => ({ match: `"${name}@`, fault })),
  })
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose]())

function without(all: Set<string>, some: Set<string>): Set<string> {
  return new Set([...all].filter((id) => !some.has(id)))
}

/** A client with a time limit for silence, but none for the whole: its result with a dripping answer. */
async function askWithIdleTimeout(): Promise<'ended' | 'still waiting'> {
  const provider = await startProvider()
  await provider.script({ rules: [{ fault: SLOW.drip }] })
  const { promise, resolve } = Promise.withResolvers<'ended' | 'still waiting'>()
  const request = httpRequest(`${provider.url}/emails`, { method: 'POST', timeout: IDLE_TIMEOUT_MS })
  const ended = () => resolve('ended')
  request.on('timeout', ended).on('error', ended)
  request.on('response', (response) => response.resume().on('end', ended))
  request.end('{}')
  const timer = setTimeout(() => resolve('still waiting'), CALL_MS_MAX)
  return await promise.finally(() => {
    clearTimeout(timer)
    request.destroy()
    return provider.stop()
  })
}

/** How often a gateway that retries after every failure sends twice. */
async function repeatNaively(count: number): Promise<number> {
  await using naive = await startNaiveStack({})
  await naive.provider.script({ rules: [{ every: 4, fault: BROKEN.reset }] })
  const sending = inParallel(count, 8, (index) =>
    naive.client.sendUntilSettled({ idempotencyKey: `t21-${index}`, to: ['user@example.net'] }),
  )
  const repeats = async () => summarize(await naive.judge()).repeated
  await Promise.all([sending, waitUntil('repeats', 20_000, async () => (await repeats()) > 0, 200)])
  return await repeats()
}

/** The gateway's records of its attempts. */
async function readAttempts(): Promise<{ name: string; outcome: string; number: number; ms: number }[]> {
  const { rows } = await stack.pool.query<{ name: string; outcome: string; number: number; ms: number }>({
    text: `select split_part(r.address, '@', 1) as name, a.outcome, a.number,
                  extract(epoch from a.finished_at - a.started_at)::float8 * 1000 as ms
           from attempt a join recipient r on r.message_id = a.message_id`,
  })
  return rows
}

/** Tenants whose connections reach no server, until each creates a better one; returns the records of their first attempts. */
async function sendToBrokenPlaces(count: number): Promise<Map<string, Set<string>>> {
  await using places = await startBrokenPlaces()
  const targets = Object.entries({ ...places.unreachable, resets: places.resets })
  const tenants: { name: string; apiKey: string; sent: Set<string> }[] = []
  await inParallel(targets.length, 3, async (at) => {
    const [name, url] = targets[at] ?? ['', '']
    const { apiKey } = await createTenant(stack.env, 1_000_000)
    await createConnection(stack.apiUrl, apiKey, sesConnection(url))
    const client = createClient({ url: stack.apiUrl, apiKey, ledger: stack.ledger, connections: 8 })
    tenants.push({ name, apiKey, sent: await sendMany(client, name, count) })
    client.close()
  })
  const firstTries = async () =>
    (await readAttempts()).filter(({ name }) => targets.some(([target]) => target === name))
  await waitUntil(
    'every first try',
    25_000,
    async () => (await firstTries()).length >= count * targets.length,
  )
  const outcomes = Map.groupBy(await firstTries(), ({ name }) => name)
  for (const { name, apiKey } of tenants) {
    await createConnection(stack.apiUrl, apiKey, { ...sesConnection(stack.provider.url), priority: 1 })
    ids.set(name, tenants.find((tenant) => tenant.name === name)?.sent ?? new Set())
  }
  expect(places.requests()).toBe(0)
  await hurryRetries(stack.pool)
  return new Map([...outcomes].map(([name, tries]) => [name, new Set(tries.map(({ outcome }) => outcome))]))
}

test('T21: a mail that the provider received without a clear answer stays unknown and is never sent again; a mail that never left is sent once', async () => {
  const bodies = inParallel(Object.keys(FAULTS).length, 16, async (at) => {
    const name = Object.keys(FAULTS)[at] ?? ''
    ids.set(name, await sendMany(stack.client, name, EACH))
  })
  controls = Promise.all([askWithIdleTimeout(), repeatNaively(CONTROL_N)])
  controls.catch(() => undefined)
  const watching = memoryGrowthMb(
    stack,
    bodies.then(() => settle(stack, 60_000)),
  )
  // Every mail is to meet its fault: no circuit keeps it from that.
  const tries = hurryThrottleDuring(stack.pool, sendToBrokenPlaces(EACH + random.below(EACH)))
  growthMb = await hurryThrottleDuring(stack.pool, watching)
  const firstTries = await tries
  verdict = (await hurryDuring(stack.pool, settle(stack, 60_000))).verdict

  const ambiguous = new Set(Object.keys(FAULTS).flatMap((name) => [...(ids.get(name) ?? [])]))
  const { resets: resetOutcomes, ...unreachable } = Object.fromEntries(firstTries)
  const reset = ids.get('resets') ?? new Set()
  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  const unknown = new Set(verdict.unknown.map(({ id }) => id))
  expect(without(unknown, reset)).toEqual(ambiguous)
  const taken = new Set(verdict.unknown.filter((one) => one.taken).map(({ id }) => id))
  expect(taken).toEqual(without(ambiguous, ids.get('deaf') ?? new Set()))
  const calls = (await stack.provider.faults()).filter(({ messageId }) => ambiguous.has(messageId ?? ''))
  expect(calls).toHaveLength(ambiguous.size)
  for (const [name, outcomes] of Object.entries(unreachable))
    expect([name, ...outcomes]).toEqual([name, 'deferred'])
  const safe = new Set(Object.keys(unreachable).flatMap((name) => [...(ids.get(name) ?? [])]))
  const sent = new Set((await stack.provider.ledger()).map(({ messageId }) => messageId))
  expect([...safe].filter((id) => !sent.has(id))).toEqual([])
  reportResult({
    test: 'T21',
    fault: `HTTP answers: ${Object.keys(FAULTS).length} kinds of none, broken, cut or far too long ones; ${firstTries.size} kinds of connections that cannot be had`,
    n: ambiguous.size + safe.size + reset.size,
    result: `${ambiguous.size} without a clear answer unknown (${taken.size} of them taken), none asked about twice; ${safe.size} that never left sent once; reset before the provider read: ${[...(resetOutcomes ?? [])].join(' or ')}; 0 lost, 0 repeats`,
    bound: 'unknown and never sent again, or sent exactly once; 0 lost, 0 repeats',
  })
}, 150_000)

test('T22: no answer makes a call longer than its deadline, nor fills the worker’s memory', async () => {
  const attempts = (await readAttempts()).filter(({ name }) => name in FAULTS)
  const slow = attempts.filter(({ name }) => name in SLOW)
  const longest = Math.max(...attempts.map(({ ms }) => ms))
  expect(slow).toHaveLength(EACH * Object.keys(SLOW).length)
  expect(attempts.map(({ outcome, number }) => [outcome, number])).toEqual(attempts.map(() => ['unknown', 1]))
  // They ended by the deadline.
  expect(Math.min(...slow.map(({ ms }) => ms))).toBeGreaterThan(20_000)
  expect(longest).toBeLessThanOrEqual(CALL_MS_MAX)
  await expectNoCalls(stack)
  expect(growthMb).toBeLessThanOrEqual(RSS_GROWTH_MB_MAX)
  reportResult({
    test: 'T22',
    fault: 'answers of one byte, or one header field, each 300 ms; silence; answers of 50 MB and without end',
    n: attempts.length,
    result: `the longest call took ${(longest / 1000).toFixed(1)} s, all unknown, all slots free again; memory of the worker grew by ${growthMb} MB`,
    bound: `≤ ${CALL_MS_MAX / 1000} s, unknown, no slot kept, ≤ ${RSS_GROWTH_MB_MAX} MB`,
  })
}, 60_000)

test('T22 control: a client that only limits silence waits forever for a dripping answer', async () => {
  const [idleClient] = await controls
  expect(idleClient).toBe('still waiting')
  reportResult({
    test: 'T22 control',
    fault: `a client that gives up after ${IDLE_TIMEOUT_MS} ms of silence meets an answer of one byte each 300 ms`,
    n: 1,
    result: `still waiting after ${CALL_MS_MAX / 1000} s`,
    bound: `still waiting after ${CALL_MS_MAX / 1000} s`,
  })
}, 60_000)

test('T21 control: a gateway that retries every failure sends twice', async () => {
  const [, repeated] = await controls
  expect(repeated).toBeGreaterThan(0)
  reportResult({
    test: 'T21 control',
    fault: 'a gateway that tries again after every failure meets connections that break after the mail',
    n: CONTROL_N,
    result: `${repeated} repeats`,
    bound: '> 0 repeats',
  })
}, 60_000)
