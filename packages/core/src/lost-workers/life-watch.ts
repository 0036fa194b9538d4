import type { Queryable } from '@lettergate/db/pool'
import { listLiveWorkers } from './sql/list-live-workers.ts'

export type WorkerLife = 'lives' | 'gone' | 'unknown'

export type LifeWatch = {
  /** Asks the database which workers live now. */
  look(): Promise<void>
  /** The state of several workers that held a claim: `gone` if one of them is gone, `lives` if all are alive. */
  lifeOf(workers: readonly number[]): WorkerLife
}

/**
 * A live worker is connected again by then: time for a new connection (2 s), the wait before it is tried (1.25 s), and a second attempt.
 */
const GONE_MS = 5_000

/**
 * Remembers which workers had a session at the database. A worker is gone when it was absent on every look for `GONE_MS`. A look that
 * failed, or came late, starts that time again: the same cause may have cut off the other workers as well.
 */
export function createLifeWatch(db: Queryable, now: () => number = () => performance.now()): LifeWatch {
  const seenAt = new Map<number, number>()
  /** Since when nothing interrupted the looks. */
  let since = Number.POSITIVE_INFINITY
  let lookedAt = Number.NEGATIVE_INFINITY

  function lifeOfOne(worker: number): WorkerLife {
    const seen = seenAt.get(worker)
    if (seen === lookedAt) return 'lives'
    return lookedAt - Math.max(seen ?? since, since) >= GONE_MS ? 'gone' : 'unknown'
  }

  return {
    async look() {
      const live = await listLiveWorkers(db).catch((error: unknown) => {
        since = Number.POSITIVE_INFINITY
        throw error
      })
      const at = now()
      since = at - lookedAt > GONE_MS ? at : Math.min(since, at)
      lookedAt = at
      for (const worker of live) seenAt.set(worker, at)
      for (const [worker, seen] of seenAt) if (at - seen > 2 * GONE_MS) seenAt.delete(worker)
    },
    lifeOf(workers) {
      const lives = workers.map(lifeOfOne)
      if (lives.includes('gone')) return 'gone'
      return lives.includes('unknown') ? 'unknown' : 'lives'
    },
  }
}
