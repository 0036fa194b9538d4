import { setTimeout as sleep } from 'node:timers/promises'
import { waitUntil } from '../src/ports.ts'
import { createRandom } from '../src/seed.ts'
import { measureCapacity } from './capacity.ts'
import { flows, type InjectedFault, injectFaultsUntil } from './inject-faults.ts'
import { judgeSoak, tenantUuids } from './judge-soak.ts'
import { type Load, startLoad, type Traffic } from './load.ts'
import { type Sample, type Sampler, startSampler } from './sampler.ts'
import { type SoakStack, startSoakStack } from './soak-stack.ts'
import { type SoakResult, trendsOf } from './soak-verdict.ts'
import type { StatusLine } from './status-line.ts'
import { createTraffic } from './traffic.ts'
import { explainUnknowns } from './unknowns.ts'

/** Tenants of unequal size; the last and smallest meets its daily limit on the way. */
const SHARES = [50, 25, 15, 8, 2]
const UNLIMITED = 100_000_000
const SMALL_LIMIT = 500
/** Of the capacity; what is left is what a backlog is worked off with. */
const LOAD = 0.6
const TRIAL_S = 20
const TRIALS = 3
const LESS = 0.8
/** Deferred mail is retried after a minute, and after two more when it is deferred again. */
const SETTLE_MS_MAX = 300_000

export type SoakOptions = { minutes: number; seed: number; perSecond: number | undefined }

/**
 * Capacity may have been measured in a lucky moment. A load that cannot be carried even without a fault says nothing about
 * faults, so it is lowered, and the report says so.
 */
async function findRate(
  load: Load,
  sampler: Sampler,
  wanted: number,
  fixed: boolean,
): Promise<[number, string]> {
  let rate = wanted
  for (let trial = 0; ; trial++) {
    const from = sampler.now()
    await sleep(TRIAL_S * 1_000)
    const late = sampler.samples.filter(({ at }) => at > from + TRIAL_S / 2)
    const isCarried = late.every(flows)
    if (isCarried || fixed) break
    if (trial === TRIALS)
      throw new Error(`even ${rate.toFixed(0)} requests a second are too many without any fault`)
    rate *= LESS
    load.setRate(rate)
  }
  const note =
    rate === wanted ? '' : `lowered from ${wanted.toFixed(0)}/s, which was not carried without a fault`
  return [rate, note]
}

/** Deaths that no injected fault explains. */
function countUnexpectedDeaths(stack: SoakStack, injected: readonly InjectedFault[]): number {
  const deaths = [stack.api, ...stack.workers].reduce((sum, part) => sum + part.deaths(), 0)
  return deaths - injected.filter(({ kind }) => /^(api|worker) killed/.test(kind)).length
}

async function settled(stack: SoakStack): Promise<number> {
  const start = performance.now()
  const isEmpty = async () =>
    (await stack.pool.query({ text: 'select 1 from outbox limit 1' })).rowCount === 0
  // Messages that are left then are reported as stuck.
  await waitUntil('the backlog to be empty', SETTLE_MS_MAX, isEmpty, 500).catch(() => undefined)
  return Math.round(performance.now() - start)
}

/** Ctrl-C ends a soak in order, so that nothing is left running or lying about. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => process.once('SIGINT', () => reject(new Error('interrupted'))))
}

/** Loads a gateway for this number of minutes during faults, and asks the oracle for the result. */
export async function soak(options: SoakOptions, line: StatusLine): Promise<Omit<SoakResult, 'about'>> {
  const random = createRandom(options.seed)
  await using stack = await startSoakStack(
    SHARES.map((_, index) => (index === SHARES.length - 1 ? SMALL_LIMIT : UNLIMITED)),
  )
  const begun = Date.now()
  const traffic: Traffic = createTraffic(createRandom(options.seed + 1), SHARES)
  const capacity = await measureCapacity(stack, traffic)
  line.say(
    `capacity ${capacity.perSecond.toFixed(0)}/s (${capacity.lowest.toFixed(0)} to ${capacity.highest.toFixed(0)})`,
  )
  const wanted = options.perSecond ?? capacity.perSecond * LOAD
  const endAt = options.minutes * 60
  const startedAt = Date.now()
  const sampler = startSampler(stack, (sample: Sample) => line.show(sample, endAt))
  const load = startLoad(stack, traffic, { perSecond: wanted, from: capacity.requests })
  const [perSecond, rateNote] = await findRate(load, sampler, wanted, options.perSecond !== undefined)
  line.say(`offered ${perSecond.toFixed(0)}/s ${rateNote}`)
  const injecting = injectFaultsUntil(stack, sampler, {
    random,
    endAt,
    onInjected: ({ kind, from, awayMs, recoveryMs }) =>
      line.say(
        `${from.toFixed(0)} s: ${kind}${awayMs > 0 ? `, away for ${awayMs.toFixed(0)} ms` : ''}: ${recoveryMs === null ? 'did not recover' : `recovered in ${recoveryMs} ms`}`,
      ),
  })
  // After an interrupt it continues without effect while the stack is stopped.
  injecting.catch(() => undefined)
  const injected = await Promise.race([injecting, interruption()])
  await load.stop()
  await sampler.stop()
  line.say('settling')
  const settledAfterMs = await settled(stack)
  const unexpectedDeaths = countUnexpectedDeaths(stack, injected)
  line.say(`judging ${stack.ledger.accepted().toLocaleString('en')} messages`)
  const start = performance.now()
  const verdict = await judgeSoak(stack, begun, Date.now())
  const tenantIds = tenantUuids(stack)
  const unknowns = await explainUnknowns(stack.pool, tenantIds, injected, startedAt)
  return {
    minutes: options.minutes,
    seed: options.seed,
    capacity,
    perSecond,
    rateNote,
    offered: load.offered(),
    statuses: stack.ledger.statuses(),
    unexpected: stack.ledger.unexpected(),
    unsettled: stack.ledger.requests().length,
    slowest: stack.ledger.slowest(),
    verdict,
    unknowns,
    injected,
    unexpectedDeaths,
    settledAfterMs,
    samples: sampler.samples,
    ...trendsOf(sampler.samples),
    judgedAfterMs: Math.round(performance.now() - start),
  }
}
