import { type CpuTimes, cpuNote, cpuPerMessage, cpuTimes } from './cpu-per-message.ts'
import { perSecond } from './figure.ts'
import { applyLoad, type Load, type LoadResult, rateOf } from './load.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const ROUNDS = 3
const ROUND_SECONDS = 3
const WARM_UP_SECONDS = 2
const WARM_UP_SECONDS_MAX = 60

/** A load without its time, and the gateway that carries it. `warmUp`: sends until what they need once is done, 2 seconds when absent. */
export type Side = { gateway: Gateway; load: Omit<Load, 'seconds'>; warmUp?: number }
type Round = LoadResult & { cpu: CpuTimes }

async function playRound(bed: TestBed, { gateway, load }: Side, seconds: number): Promise<Round> {
  const before = cpuTimes(bed, gateway, 0)
  const result = await applyLoad({ ...load, seconds })
  const { api = 0, postgres = 0 } = cpuPerMessage(before, cpuTimes(bed, gateway, 0), result.requests)
  return { ...result, cpu: { api, postgres } }
}

/** Puts two loads on in turns, after a warm-up of each, and compares the medians of their rates. */
export async function compareRates(
  bed: TestBed,
  ours: Side,
  reference: Side,
): Promise<{ ours: number; reference: number; ratio: number; note: string }> {
  const [own, other]: [Round[], Round[]] = [[], []]
  for (const { load, warmUp } of [ours, reference])
    await applyLoad(
      warmUp === undefined
        ? { ...load, seconds: WARM_UP_SECONDS }
        : { ...load, seconds: WARM_UP_SECONDS_MAX, count: warmUp },
    )
  for (let round = 0; round < ROUNDS; round++) {
    other.push(await playRound(bed, reference, ROUND_SECONDS))
    own.push(await playRound(bed, ours, ROUND_SECONDS))
  }
  const failures = [...own, ...other].reduce((sum, { refused, broken }) => sum + refused + broken, 0)
  const [rate, referenceRate] = [median(own.map(rateOf)), median(other.map(rateOf))]
  const [cpu, referenceCpu] = [own, other].map((rounds) => cpuNote(rounds.map((round) => round.cpu)))
  return {
    ours: rate,
    reference: referenceRate,
    ratio: rate / referenceRate,
    note: `rounds ${spread(own.map(rateOf), perSecond)} and ${spread(other.map(rateOf), perSecond)}; ${failures} refused or broken; ${cpu}; reference: ${referenceCpu}`,
  }
}
