import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFailure } from '@lettergate/db/errors'

const EVERY_MS = 250

/**
 * Asks the database until it answers, or it is `until` (of `performance.now()`); every failure is reported. What is asked must bear
 * being done twice: the first time may have been done, and its answer lost.
 */
export async function askAgain<T>(
  ask: () => Promise<T>,
  options: { until: () => number; onError: (error: unknown) => void },
): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      options.onError(error)
      if (databaseFailure(error) === 'query' || performance.now() > options.until()) throw error
      await sleep(EVERY_MS)
    }
  }
}
