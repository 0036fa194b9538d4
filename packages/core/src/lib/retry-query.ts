import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFailure } from '@lettergate/db/errors'

/**
 * The first wait, and the longest. Every lane of every process asks separately, and each time Postgres forks a backend to say that it is
 * still recovering from its log: three processes asking every 250 ms had it fork 40 times a second.
 */
const WAIT_MS = { first: 250, most: 1_000 }

/** Jitter, so that retries do not come together. */
const spread = (ms: number) => ms * (0.75 + Math.random() / 2)

/**
 * Asks the database until it answers, or it is `until` (of `performance.now()`); every failure is reported. The query must be safe
 * to run twice: the first run may have succeeded, and its answer been lost.
 */
export async function retryQuery<T>(
  ask: () => Promise<T>,
  options: { until: () => number; onError: (error: unknown) => void },
): Promise<T> {
  for (let waitMs = WAIT_MS.first; ; waitMs = Math.min(WAIT_MS.most, waitMs * 1.5)) {
    try {
      return await ask()
    } catch (error) {
      options.onError(error)
      if (databaseFailure(error) === 'query' || performance.now() > options.until()) throw error
      await sleep(spread(waitMs))
    }
  }
}
