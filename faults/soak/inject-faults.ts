import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../src/seed.ts'
import type { Sample, Sampler } from './sampler.ts'
import { drawFaults, type SoakFault } from './soak-faults.ts'
import type { SoakStack } from './soak-stack.ts'

/** One fault as it went; times are seconds since the load began. */
export type InjectedFault = {
  kind: string
  from: number
  /** When what broke was whole again. */
  to: number
  /** From the fault, or from the return of what Lettergate depends on; null: not within the time that was waited. */
  recoveryMs: number | null
  /** For how long what Lettergate depends on was broken; 0 where it must recover without help. */
  awayMs: number
  mayLeaveUnknown: boolean
}

/** Mail and requests flow as usual when nothing waits for longer than this. */
const FLOWS_MS_MAX = 2_000
/** It must hold for longer than that: what a fault left behind shows only once it is as old. */
const SECONDS_GOOD = 3
const GIVE_UP_AFTER_MS = 90_000
const QUIET_MS = 15_000
const QUIET_RANDOM_MS = 15_000

/** Whether nothing waits for long. */
export function flows({ queueAgeMs, requestAgeMs }: Sample): boolean {
  return queueAgeMs !== null && queueAgeMs <= FLOWS_MS_MAX && requestAgeMs <= FLOWS_MS_MAX
}

/** Waits until mail flows again, and answers since when it does, counted from that moment. */
async function untilFlowing(sampler: Sampler, since: number): Promise<number | null> {
  for (
    const deadline = performance.now() + GIVE_UP_AFTER_MS;
    performance.now() < deadline;
    await sleep(100)
  ) {
    const after = sampler.samples.filter(({ at }) => at > since)
    const first = after[after.findLastIndex((sample) => !flows(sample)) + 1]
    const last = after.at(-1)
    if (first && last && last.at - first.at >= SECONDS_GOOD) return Math.round((first.at - since) * 1_000)
  }
  return null
}

async function injectFault(
  stack: SoakStack,
  sampler: Sampler,
  fault: SoakFault,
  random: Random,
): Promise<InjectedFault> {
  sampler.setQuiet(false)
  const from = sampler.now()
  await fault.begin(stack, random)
  let to = sampler.now()
  let recoveryMs: number | null = null
  if (fault.recoverFrom === 'begin') recoveryMs = await untilFlowing(sampler, from)
  await sleep(Math.max(0, fault.holdMs - (sampler.now() - from) * 1_000))
  if (fault.end) {
    await fault.end(stack, random)
    to = sampler.now()
  }
  if (fault.recoverFrom === 'end') recoveryMs = await untilFlowing(sampler, to)
  // A process that comes back may disturb once more: for example a frozen worker.
  else if (fault.end) await untilFlowing(sampler, to)
  sampler.setQuiet(true)
  const awayMs = fault.recoverFrom === 'end' ? (to - from) * 1_000 : 0
  return { kind: fault.kind, from, to, recoveryMs, awayMs, mayLeaveUnknown: fault.mayLeaveUnknown }
}

/** Injects faults one after another, each followed by quiet time, until it is time to end. */
export async function injectFaultsUntil(
  stack: SoakStack,
  sampler: Sampler,
  options: { random: Random; endAt: number; onInjected(injectFault: InjectedFault): void },
): Promise<InjectedFault[]> {
  const injected: InjectedFault[] = []
  for (const fault of drawFaults(options.random, stack.redis !== undefined)) {
    const quietMs = QUIET_MS + options.random.below(QUIET_RANDOM_MS)
    // The last quiet time is as long as the others.
    if (sampler.now() + (fault.holdMs + 2 * quietMs) / 1_000 > options.endAt) break
    await sleep(quietMs)
    const done = await injectFault(stack, sampler, fault, options.random)
    injected.push(done)
    options.onInjected(done)
  }
  await sleep(Math.max(0, (options.endAt - sampler.now()) * 1_000))
  return injected
}
