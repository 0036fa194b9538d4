import { cpuMicros, cpuMicrosOfFamily } from './cpu-of.ts'
import { median } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

/** Processor time of each process, in microseconds. */
export type CpuTimes = Record<string, number>

/** The processor time that the processes of the message path have used so far. */
export function cpuTimes(bed: TestBed, gateway: Gateway, sinkPid: number): CpuTimes {
  return {
    worker: gateway.worker ? cpuMicros(gateway.worker.pid) : 0,
    postgres: cpuMicrosOfFamily(bed.cluster.pid),
    api: cpuMicros(gateway.api.pid),
    redis: bed.redis ? cpuMicros(bed.redis.pid) : 0,
    sink: cpuMicros(sinkPid),
  }
}

/** The difference, divided by what was carried meanwhile. */
export function cpuPerMessage(before: CpuTimes, after: CpuTimes, messages: number): CpuTimes {
  return Object.fromEntries(
    Object.keys(after).map((name) => [name, ((after[name] ?? 0) - (before[name] ?? 0)) / messages]),
  )
}

/** The medians of some rounds in a sentence: what a rate is made of. Empty where the machine does not tell. */
export function cpuNote(rounds: readonly CpuTimes[]): string {
  const parts = Object.keys(rounds[0] ?? {}).map(
    (name) => [name, Math.round(median(rounds.map((round) => round[name] ?? 0)))] as const,
  )
  const sum = parts.reduce((total, [, micros]) => total + micros, 0)
  if (sum === 0) return ''
  return `CPU µs/message: ${parts.map(([name, micros]) => `${name} ${micros}`).join(', ')}; sum ${sum}`
}
