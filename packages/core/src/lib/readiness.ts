import type { Pool } from '@lettergate/db/pool'
import { answeredBy } from './answered-by.ts'

export type Readiness = {
  /** Whether the database answers now; says so within a second. */
  answers(): Promise<boolean>
}

const ANSWER_MS_MAX = 800

/**
 * Probes the database through the working pool: a fresh connection would only test itself. Not ready while any statement has waited for
 * `silentMs`. Concurrent callers share one probe, so that readiness requests cannot exhaust the pool.
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
