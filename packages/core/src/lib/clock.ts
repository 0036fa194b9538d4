import type { Queryable } from '@lettergate/db/pool'

export type DatabaseClock = {
  /** Milliseconds since the epoch by the database's clock; by this machine's until the database has been asked. */
  now(): number
  /** Asks the database; resolves when it is known or has failed, and keeps looking from then on. */
  start(): Promise<void>
  stop(): void
}

/** Often enough for a machine that was asleep, and for a database whose clock is set right. */
const LOOK_MS = 10_000
const LOOK_AGAIN_MS = 1_000
/** An answer that took longer says too little. */
const ROUND_TRIP_MS_MAX = 2_000

/**
 * Keeps the time of the database, which decides the day, the due time and the id of a message. With a wrong machine clock, the gateway would
 * otherwise send scheduled messages too early, file messages under another day, or sign calls that a provider refuses.
 */
export function createDatabaseClock(deps: {
  pool: Queryable
  onError: (error: unknown) => void
  /** This machine's own clock, for tests. */
  machineNow?: () => number
}): DatabaseClock {
  const machineNow = deps.machineNow ?? (() => Date.now())
  // Against a count that no setting of this machine's clock changes.
  let known: { database: number; counter: number } | null = null
  let timer: NodeJS.Timeout | null = null
  let stopped = false

  async function look(): Promise<void> {
    const asked = performance.now()
    const { rows } = await deps.pool.query<{ now: number }>({
      name: 'database-clock',
      text: 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
    })
    const counter = performance.now()
    const row = rows[0]
    if (!row || (known && counter - asked > ROUND_TRIP_MS_MAX)) return
    known = { database: row.now, counter: (asked + counter) / 2 }
  }

  async function keepLooking(): Promise<void> {
    let nextMs = LOOK_MS
    try {
      await look()
    } catch (error) {
      deps.onError(error)
      nextMs = LOOK_AGAIN_MS
    }
    if (!stopped) timer = setTimeout(() => void keepLooking(), nextMs).unref()
  }

  return {
    now: () => Math.floor(known ? known.database + performance.now() - known.counter : machineNow()),
    start: keepLooking,
    stop() {
      stopped = true
      if (timer) clearTimeout(timer)
    },
  }
}
