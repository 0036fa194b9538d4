import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startNaiveStack } from './src/naive-stack.ts'
import { acceptedRate, applyOverload, peakMb, rememberOverload } from './src/overload.ts'
import type { OverloadPlan, OverloadResult } from './src/overload-client.ts'
import { percentile } from './src/percentile.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { judgeStack } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const TIMES = 3
const OVERLOAD_SECONDS = process.env.FAULTS_N === undefined ? 10 : 60
const CAPACITY_SECONDS = 4
/** As many as keep the gateway busy without keeping each other waiting. */
const CAPACITY_SOCKETS = 64
const OVERLOAD_SOCKETS = 4_000
/** The api shares two cores with Postgres and with the clients, so three times the load leaves less than all of its capacity. */
const GOODPUT_TARGET = 0.9
/** A refusal is held back for a second. */
const REFUSED_MS_TARGET = 1_500
/** Below this it has collapsed: a sixth was left where nothing was refused early. */
const GOODPUT_MIN = 1 / 4
const MEMORY_MB_MAX = 1_024

type Target = Pick<OverloadPlan, 'port' | 'apiKey'>

/** Accepted requests a second when each client waits for its answer: what the machine can do beside its own load tool. */
function measureCapacity(target: Target): Promise<OverloadResult> {
  return applyOverload({ ...target, sockets: CAPACITY_SOCKETS, seconds: CAPACITY_SECONDS })
}

test(
  'T32: under three times its maximum load the gateway continues to accept, refuses the excess with Retry-After, and loses nothing',
  async () => {
    announceSeed('T32')
    await using stack = await startStack({ dailyLimit: 2_000_000_000 })
    // Alone: sending what was accepted is another measurement.
    await stack.worker.stop()
    const target = { port: Number(stack.env.API_PORT), apiKey: stack.tenant.apiKey }
    const warmUp = await measureCapacity(target)
    const before = await measureCapacity(target)
    const perSecond = Math.round(TIMES * Math.max(acceptedRate(warmUp), acceptedRate(before)))
    const over = await applyOverload({
      ...target,
      sockets: OVERLOAD_SOCKETS,
      perSecond,
      seconds: OVERLOAD_SECONDS,
    })
    const after = await measureCapacity(target)
    // Before and after, since other tenants of the machine come and go.
    const capacity = (acceptedRate(before) + acceptedRate(after)) / 2
    const memoryMb = peakMb(stack.api.current().pid)
    for (const [name, result] of Object.entries({ warmUp, before, over, after }))
      rememberOverload(stack.ledger, name, result)
    const { stuck, ...verdict } = await judgeStack(stack)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [] })
    // No worker runs, so all of it waits; beside it at most what the storage answered too late for.
    const accepted = stack.ledger.requests().filter(({ answers }) => answers.length > 0).length
    const uncertain = [warmUp, before, over, after].reduce((sum, result) => sum + result.uncertain, 0)
    expect(stuck.length).toBeGreaterThanOrEqual(accepted)
    expect(stuck.length).toBeLessThanOrEqual(accepted + uncertain)
    expect(Object.keys(over.answers).toSorted()).toEqual(['202', '503'])
    expect([over.withoutRetryAfter, over.unanswered]).toEqual([0, 0])
    const refusedMs = percentile(over.refusedMs, 99)
    const share = acceptedRate(over) / capacity
    expect(share).toBeGreaterThanOrEqual(GOODPUT_MIN)
    expect(memoryMb).toBeLessThanOrEqual(MEMORY_MB_MAX)
    const missed = share < GOODPUT_TARGET || refusedMs > REFUSED_MS_TARGET
    const percent = (part: number) => `${Math.round(part * 100)} %`
    reportResult({
      test: 'T32',
      fault: `${perSecond} sends a second for ${OVERLOAD_SECONDS} s, ${TIMES} times the capacity of ${Math.round(capacity)}, of which ${percent(over.sent / over.due)} found one of ${OVERLOAD_SOCKETS} connections free`,
      n: over.sent,
      result: `${missed ? '**target missed**: ' : ''}goodput ${percent(share)} of capacity, p99 of refusals ${Math.round(refusedMs)} ms; ${memoryMb} MB, 0 accepted lost, ${over.uncertain} without an answer of the storage in time, all answered 202 or 503 with Retry-After`,
      bound: `0 lost, memory ≤ 1 GB, goodput ≥ ${percent(GOODPUT_MIN)}; target: goodput ≥ ${percent(GOODPUT_TARGET)}, refusals ≤ ${REFUSED_MS_TARGET} ms`,
    })
  },
  90_000 + OVERLOAD_SECONDS * 3_000,
)

test('T32: an api that stops under overload answers the refusals that it holds, and ends cleanly', async () => {
  announceSeed('T32 stopped')
  await using stack = await startStack({ dailyLimit: 2_000_000_000 })
  await stack.worker.stop()
  const target = { port: Number(stack.env.API_PORT), apiKey: stack.tenant.apiKey }
  const load = applyOverload({ ...target, sockets: OVERLOAD_SOCKETS, seconds: 10 })
  await sleep(8_000)
  await stack.api.stop()
  expect((await stack.api.current().exited).code).toBe(0)
  const stopped = await load
  rememberOverload(stack.ledger, 'stopped', stopped)
  const { stuck, ...verdict } = await judgeStack(stack)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [] })
  expect(stuck.length).toBeGreaterThan(0)
  expect(stopped.answers[503]).toBeGreaterThan(0)
  reportResult({
    test: 'T32 stopped',
    fault: `the api is stopped under ${OVERLOAD_SOCKETS} clients that ask again at once`,
    n: stopped.sent,
    result: `${stopped.answers[202]} accepted and ${stopped.answers[503]} refused, ${stopped.answers[0] ?? 0} connections broke without an answer; 0 accepted lost, exit code 0`,
    bound: '0 lost, exit code 0',
  })
}, 120_000)

test('T32 control: a gateway that refuses no request makes every client wait', async () => {
  announceSeed('T32 control')
  await using stack = await startNaiveStack({ limit: 2_000_000_000 })
  const target = { port: stack.port, apiKey: 'none' }
  const perSecond = Math.round(TIMES * acceptedRate(await measureCapacity(target)))
  const over = await applyOverload({ ...target, sockets: OVERLOAD_SOCKETS, perSecond, seconds: 5 })
  const answeredMs = percentile([...over.acceptedMs, ...over.refusedMs], 99)
  expect(over.answers[503] ?? 0).toBe(0)
  expect(answeredMs).toBeGreaterThan(REFUSED_MS_TARGET)
  reportResult({
    test: 'T32 control',
    fault: `a gateway without a bound on what waits is offered ${perSecond} sends a second, ${TIMES} times its capacity`,
    n: over.sent,
    result: `nobody refused, p99 of answers ${Math.round(answeredMs)} ms`,
    bound: `p99 > ${REFUSED_MS_TARGET} ms`,
  })
}, 60_000)
