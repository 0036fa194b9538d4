import type { Queryable } from '@lettergate/db/pool'
import { countHookVisits, type HookVisits } from './sql/count-hook-visits.ts'

export type HookVisitCounter = {
  /** Counts an event that was kept. */
  stored(connectionId: string): void
  /** Counts a request that was refused; `reason` is one of our own texts. */
  refused(connectionId: string, reason: string): void
  /** Writes what is counted; after it nothing more is counted. */
  close(): Promise<void>
}

const EVERY_MS = 2_000
const ROWS_MAX = 500
const REASON_CHARS_MAX = 300

/**
 * Counts what happens at URLs, for their tenants to see. Written every two seconds for all of them together, so that refusing costs no
 * statement; a process that dies loses the counts of that time.
 */
export function createHookVisitCounter(deps: {
  pool: Queryable
  /** Milliseconds of the database's clock. */
  now: () => number
  onError: (error: unknown) => void
}): HookVisitCounter {
  let visits = new Map<string, HookVisits>()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  function of(connectionId: string): HookVisits {
    const known = visits.get(connectionId)
    if (known) return known
    const fresh = { connectionId, lastEventAt: null, refused: 0, lastRefusedAt: null, lastRefusal: null }
    visits.set(connectionId, fresh)
    timer ??= setTimeout(() => void write(), EVERY_MS).unref()
    return fresh
  }

  async function writeAll(rows: HookVisits[]): Promise<void> {
    for (let at = 0; at < rows.length; at += ROWS_MAX) {
      await countHookVisits(deps.pool, rows.slice(at, at + ROWS_MAX)).catch(deps.onError)
    }
  }

  function write(): Promise<void> {
    if (timer) clearTimeout(timer)
    timer = null
    const rows = [...visits.values()]
    visits = new Map()
    writing = writing.then(() => writeAll(rows))
    return writing
  }

  return {
    stored(connectionId) {
      of(connectionId).lastEventAt = new Date(deps.now())
    },
    refused(connectionId, reason) {
      const visit = of(connectionId)
      visit.refused++
      visit.lastRefusedAt = new Date(deps.now())
      visit.lastRefusal = reason.slice(0, REASON_CHARS_MAX)
    },
    close: write,
  }
}
