import { readdirSync, readFileSync } from 'node:fs'

/** The kernel counts in hundredths of a second, for any tick of its own. */
const MICROS_PER_TICK = 10_000

type Times = { own: number; ofEndedChildren: number }

function timesOf(pid: number): Times {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; utime is the 14th field of all.
    const fields = text
      .slice(text.lastIndexOf(') ') + 2)
      .split(' ')
      .map(Number)
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11)
    return {
      own: (user + system) * MICROS_PER_TICK,
      ofEndedChildren: (childUser + childSystem) * MICROS_PER_TICK,
    }
  } catch {
    return { own: 0, ofEndedChildren: 0 }
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number),
    )
  } catch {
    return []
  }
}

/** Processor time of a process so far, in microseconds; 0 where there is no /proc. */
export function cpuMicros(pid: number): number {
  return timesOf(pid).own
}

/** The same with all its children, those that have ended too: Postgres. */
export function cpuMicrosOfFamily(pid: number): number {
  const { own, ofEndedChildren } = timesOf(pid)
  return childrenOf(pid).reduce((sum, child) => sum + cpuMicrosOfFamily(child), own + ofEndedChildren)
}
