import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { writeDuring } from './src/client.ts'
import { promisedIds } from './src/client-ledger.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'
import { noteInFlight } from './src/worker-deaths.ts'

const ROUNDS = Math.min(20, Math.max(3, Math.ceil(faultsCount(0) / 200)))
const WIDTH = 16
const LATENCY_MS = 20
/** Published: everything except an attempt in progress continues within this time, and an attempt is given up within that time. */
const RECOVERY_MS_MAX = 30_000
const HAND_OFF_MS_MAX = 75_000

/** Kills all together; Postgres and Redis are started again as an operator's supervisor would, which does api and workers too. */
async function killEverything(stack: Stack, inFlight: Set<string>): Promise<void> {
  const parts = [stack.api, ...stack.workers]
  const exits = parts.map((part) => part.current().kill('SIGKILL'))
  await Promise.all([...exits, stack.cluster.kill(), stack.redis?.kill()])
  await Promise.all([stack.cluster.start(), stack.redis?.start()])
  await noteInFlight(stack.pool, inFlight, false)
}

async function workGoesOn(stack: Stack): Promise<void> {
  const before = await stack.provider.count()
  await waitUntil('work to go on', RECOVERY_MS_MAX, async () => (await stack.provider.count()) > before)
}

/** Answers when the last kill was. */
async function killRepeatedly(stack: Stack, random: Random, inFlight: Set<string>): Promise<number> {
  let killedAt = 0
  for (let round = 0; round < ROUNDS; round++) {
    await workGoesOn(stack)
    await sleep(random.below(1_000))
    killedAt = performance.now()
    await killEverything(stack, inFlight)
  }
  return killedAt
}

test('T38: api, workers, Postgres and Redis are killed together repeatedly: nothing is lost or repeated, and the gateway recovers without help', async () => {
  const random = announceSeed('T38')
  await using stack = await startStack({ dailyLimit: 1_000_000, providerLatencyMs: LATENCY_MS, workers: 2 })
  const inFlight = new Set<string>()
  let killedAt = 0
  await writeDuring(stack.client, { width: WIDTH, prefix: 't38' }, async () => {
    killedAt = await killRepeatedly(stack, random, inFlight)
  })
  const text = "select 1 from outbox where state <> 'sending' limit 1"
  const isRecovered = async () => (await stack.pool.query({ text })).rowCount === 0
  await waitUntil('everything except attempts to be done', RECOVERY_MS_MAX, isRecovered)
  const recoveredMs = performance.now() - killedAt
  const { verdict } = await settle(stack, HAND_OFF_MS_MAX)
  const settledMs = performance.now() - killedAt

  const requests = stack.ledger.requests()
  expect(recoveredMs).toBeLessThan(RECOVERY_MS_MAX)
  expect(settledMs).toBeLessThan(HAND_OFF_MS_MAX)
  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  expect(requests.every((request) => promisedIds(request).size === 1)).toBe(true)
  expect(verdict.unknown.filter(({ id }) => !inFlight.has(id))).toEqual([])
  expect(inFlight.size).toBeGreaterThan(0)
  const seconds = (ms: number) => Math.round(ms / 1000)
  reportResult({
    test: 'T38',
    fault: `api, two workers, Postgres and Redis killed at once, ${ROUNDS} times`,
    n: requests.length,
    result: `0 lost, 0 repeats, 0 over quota, ${verdict.unknown.length} unknown of ${inFlight.size} in flight; going on after ${seconds(recoveredMs)} s, settled after ${seconds(settledMs)} s`,
    bound: `0 lost, 0 repeats; ${seconds(RECOVERY_MS_MAX)} s, attempts in progress ${seconds(HAND_OFF_MS_MAX)} s`,
  })
}, 240_000)

test('T38 control: a gateway that answers before its commit is on disk, with its backlog in memory, loses and repeats', async () => {
  announceSeed('T38 control')
  await using stack = await startNaiveStack({
    asyncCommit: true,
    settings: { wal_writer_delay: '10s' },
    providerLatencyMs: LATENCY_MS,
  })
  await writeDuring(stack.client, { width: WIDTH, prefix: 't38' }, async () => {
    await sleep(1_000)
    await Promise.all([stack.gateway.current().kill('SIGKILL'), stack.cluster.kill()])
    await stack.cluster.start()
    await sleep(1_000)
  })
  const { lost, repeated } = summarize(await stack.judge())
  expect(lost + repeated).toBeGreaterThan(0)
  reportResult({
    test: 'T38 control',
    fault: 'a gateway that answers before its commit is on disk, killed together with Postgres',
    n: stack.ledger.requests().length,
    result: `${lost} lost, ${repeated} repeats`,
    bound: 'lost or repeats',
  })
}, 60_000)
