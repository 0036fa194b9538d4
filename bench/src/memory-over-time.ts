import { setTimeout as sleep } from 'node:timers/promises'
import { residentMb } from './memory-of.ts'

export type MemorySeries = { name: string; points: [number, number][] }

const EVERY_MS = 500

/** Samples the resident memory of processes, in MB over seconds, until it is stopped. */
export function watchMemory(processes: Record<string, number | undefined>): {
  /** Seconds since the watch began. */
  seconds(): number
  stop(): Promise<MemorySeries[]>
} {
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1_000
  const series = Object.entries(processes).flatMap(([name, pid]) =>
    pid === undefined ? [] : [{ name, pid, points: [] as [number, number][] }],
  )
  let stopped = false
  const watch = async () => {
    while (!stopped) {
      for (const { pid, points } of series) {
        const at = Math.round(seconds() * 10) / 10
        points.push([at, Math.round(await residentMb(pid))])
      }
      await sleep(EVERY_MS)
    }
  }
  const watching = watch()
  // The caller that stops it gets its failure.
  watching.catch(() => undefined)
  return {
    seconds,
    async stop() {
      stopped = true
      await watching
      return series.map(({ name, points }) => ({ name, points }))
    },
  }
}
