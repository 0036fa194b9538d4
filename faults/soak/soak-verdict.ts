import { percentile } from '../src/percentile.ts'
import type { InjectedFault } from './inject-faults.ts'
import type { SoakVerdict } from './judge-soak.ts'
import { type MemoryPart, memoryParts, type Sample } from './sampler.ts'
import type { Slow } from './soak-ledger.ts'
import { type Trend, trendOf } from './trend.ts'
import type { Unknowns } from './unknowns.ts'

export const RECOVERY_MS_MAX = 30_000
/**
 * How long a recovery may take. At 60 % of the capacity, the backlog of an outage of Postgres takes one and a half times as long to work
 * off, however fast Lettergate is back; if Postgres needs more than 15 s to recover from its own log, that time applies.
 */
export function recoveryMsMax({ awayMs }: Pick<InjectedFault, 'awayMs'>): number {
  return Math.max(RECOVERY_MS_MAX, 2 * awayMs)
}
/** Before that, tables, caches and heaps grow to their usual size. */
const WARM_UP_S = 120
/** A slope over less says nothing. */
const TREND_S_MIN = 300
const GROWTH_MB_MAX = 32
const GROWTH_PART_MAX = 0.1
export const QUEUE_AGE_GROWTH_MS_MAX = 500
export const QUEUE_AGE_P99_MS_MAX = 2_000
const SHOWN_MAX = 5

/** All that a soak found out. */
export type SoakResult = {
  minutes: number
  seed: number
  about: Record<string, string>
  capacity: { perSecond: number; lowest: number; highest: number }
  /** Requests a second that were offered in the end, and why it is not 60 % where it is not. */
  perSecond: number
  rateNote: string
  offered: number
  statuses: Readonly<Record<number, number>>
  /** The first answers that no client should get. */
  unexpected: readonly string[]
  verdict: SoakVerdict
  unknowns: Unknowns
  injected: InjectedFault[]
  /** Deaths of api and workers that no fault was to blame for. */
  unexpectedDeaths: number
  /** The requests that waited longest for their answer. */
  slowest: readonly Slow[]
  /** Requests whose client gave up without knowing. */
  unsettled: number
  memory: Partial<Record<MemoryPart, Trend>>
  queueAge: Trend | null
  quietQueueAgeP99Ms: number
  quietCpu: number
  /** Part of the processors' time that went to others, over the whole run. */
  stolen: number
  /** The largest single backward step of the wall clock. */
  clockBackMs: number
  settledAfterMs: number
  judgedAfterMs: number
  samples: Sample[]
}

/** Growth by the slope of the undisturbed samples after the warm-up; a part is absent when there are too few. */
export function trendsOf(
  samples: readonly Sample[],
): Pick<SoakResult, 'memory' | 'queueAge' | 'quietQueueAgeP99Ms' | 'quietCpu' | 'stolen' | 'clockBackMs'> {
  const quiet = samples.filter(({ quiet }) => quiet)
  const late = quiet.filter(({ at }) => at >= WARM_UP_S)
  const memory: SoakResult['memory'] = {}
  for (const part of memoryParts) {
    const trend = trendOf(
      late.flatMap(({ at, memory: { [part]: value } }) => (value === undefined ? [] : [{ at, value }])),
      TREND_S_MIN,
    )
    if (trend) memory[part] = trend
  }
  const ages = late.flatMap(({ at, queueAgeMs }) => (queueAgeMs === null ? [] : [{ at, value: queueAgeMs }]))
  return {
    memory,
    queueAge: trendOf(ages, TREND_S_MIN),
    quietQueueAgeP99Ms: percentile(
      quiet.flatMap(({ queueAgeMs }) => queueAgeMs ?? []),
      99,
    ),
    quietCpu: quiet.reduce((sum, { cpu }) => sum + cpu, 0) / Math.max(1, quiet.length),
    stolen: samples.reduce((sum, { stolen }) => sum + stolen, 0) / Math.max(1, samples.length),
    clockBackMs: Math.max(
      0,
      ...samples.slice(1).map(({ clockMs }, index) => (samples[index]?.clockMs ?? 0) - clockMs),
    ),
  }
}

/** How much a part may grow over the run. */
export function growthMax(trend: Trend): number {
  return Math.max(GROWTH_MB_MAX, GROWTH_PART_MAX * trend.start)
}

/**
 * Postgres compares with its own clock when it is time, the provider's ledger notes the machine's a moment later: set back in between, it
 * shows mail as early that was not.
 */
export function earlyOf({
  verdict,
  clockBackMs,
}: Pick<SoakResult, 'clockBackMs'> & {
  verdict: Pick<SoakVerdict, 'early'>
}): SoakVerdict['early'] {
  return verdict.early.filter(({ ms }) => ms > clockBackMs)
}

/** All that must not be; empty when the soak has passed. */
export function violationsOf(result: Omit<SoakResult, 'about' | 'samples'>): string[] {
  const { verdict, injected } = result
  const some = (what: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`${items.length} ${what}: ${items.slice(0, SHOWN_MAX).join('; ')}`]
  const slow = injected.filter((one) => one.recoveryMs === null || one.recoveryMs > recoveryMsMax(one))
  const grown = Object.entries(result.memory).filter(([, trend]) => trend.growth > growthMax(trend))
  return [
    ...some('lost', verdict.lost),
    ...some('repeated', verdict.repeated),
    ...some('over quota', verdict.overQuota),
    ...some('stuck', verdict.stuck),
    ...some('recipients unknown without a cause', result.unknowns.unexplained),
    ...some(
      'scheduled, sent early',
      earlyOf(result).map(({ id, ms }) => `${id}: ${ms} ms early`),
    ),
    ...some(
      'faults not recovered from in time',
      slow.map(
        ({ kind, from, recoveryMs }) => `${kind} at ${from.toFixed(0)} s: ${recoveryMs ?? 'never'} ms`,
      ),
    ),
    ...some('or more unexpected answers', result.unexpected),
    ...(result.unexpectedDeaths > 0 ? [`${result.unexpectedDeaths} unexpected deaths of api or worker`] : []),
    ...(result.unsettled > 0 ? [`${result.unsettled} requests were never answered`] : []),
    ...some(
      'growing in memory',
      grown.map(
        ([part, { growth, seconds }]) => `${part} by ${growth.toFixed(0)} MB in ${seconds.toFixed(0)} s`,
      ),
    ),
    ...((result.queueAge?.growth ?? 0) > QUEUE_AGE_GROWTH_MS_MAX
      ? [`the queue ages by ${result.queueAge?.growth.toFixed(0)} ms over the run`]
      : []),
    ...(result.quietQueueAgeP99Ms > QUEUE_AGE_P99_MS_MAX
      ? [`the oldest due message is ${result.quietQueueAgeP99Ms.toFixed(0)} ms old in quiet times (p99)`]
      : []),
  ]
}
