import type { Pool } from '@lettergate/db/pool'
import { answeredBy } from './answered-by.ts'

export type Readiness = {
  /** Whether the database answers now; says so within a second. */
  answers(): Promise<boolean>
}

const ANSWER_MS_MAX = 800

/**
 * Tells whether the database answers, by the pool that does the work: a fresh connection would only tell of itself. While a statement
 * of anybody has waited for `silentMs`, the answer is no. Askers share one probe, so that nobody can take the pool by asking.
 */
export function createReadiness(pool: Pool, silentMs: number): Readiness {
  let probe: Promise<boolean> | null = null

  function ask(): Promise<boolean> {
    probe ??= pool
      .query({ name: 'ready', text: 'select 1' })
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        probe = null
      })
    return probe
  }

  return {
    async answers() {
      if (pool.oldestStatementMs() > silentMs) return false
      const asked = answeredBy(performance.now() + ANSWER_MS_MAX, ask(), () => new Error('no answer'))
      return asked.catch(() => false)
    },
  }
}
