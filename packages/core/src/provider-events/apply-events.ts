import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFailure } from '@lettergate/db/errors'
import { inTransaction } from '@lettergate/db/pool'
import { notify } from '../lib/index.ts'
import { type Applied, type ApplyDeps, applyTurn, type ForeignEvents, nothingApplied } from './apply-turn.ts'
import { deferDue, finishDue, takeDue } from './sql/take-due.ts'

export type EventApplier = {
  start(): void
  /** New requests were stored. */
  wake(): void
  /** Resolves when the turn under way is committed. */
  stop(): Promise<void>
}

const REQUESTS_MAX = 100
/** What waits for its time, and what a lost notification hides, is looked for this often. */
const IDLE_MS = 1_000
const ERROR_MS = 500
/** A request that fails alone is tried again after these seconds, then given up. */
const FAILED_S = [5, 60, 600]

/** Whether it may be one of the requests that makes a turn fail: the database refuses a value, takes too long, or the values are no such. */
function isOfRequests(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return true
  const failure = databaseFailure(error)
  return failure === 'query' || failure === 'slow'
}

/** Takes the first request off the list for a while, or for good. */
async function setAside({ pool }: ApplyDeps): Promise<Applied> {
  return inTransaction(pool, async (db) => {
    const [request] = await takeDue(db, { limit: 1, bytesMax: 0 })
    if (!request) return nothingApplied
    const inSeconds = FAILED_S[request.tries]
    if (inSeconds !== undefined) await deferDue(db, [{ id: request.id, inSeconds }])
    else await finishDue(db, [request.id])
    return { ...nothingApplied, requests: 1, failed: inSeconds === undefined ? 1 : 0 }
  })
}

/**
 * Applies requests of providers that are due; safe in any number of processes. Where a statement fails, half as many are tried, so that one
 * that cannot be applied holds up no other.
 */
export function createEventApplier(
  deps: ApplyDeps & {
    onApplied: (applied: Applied) => void
    /** For the log: nothing was changed. */
    onForeign: (events: ForeignEvents) => void
    onError: (error: unknown) => void
  },
): EventApplier {
  let isStopped = false
  let isWoken = false
  let endWait: (() => void) | null = null
  let loop: Promise<void> | null = null

  function wait(ms: number): Promise<void> {
    if (isWoken || isStopped) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        endWait = null
        resolve()
      }
      endWait = done
    })
  }

  async function turn(limit: number): Promise<Applied> {
    try {
      const { applied, notifications, foreign } = await applyTurn(deps, limit)
      for (const events of foreign) deps.onForeign(events)
      // A lost notification is harmless: readers also poll.
      notify(deps.pool, notifications).catch(deps.onError)
      return applied
    } catch (error) {
      deps.onError(error)
      if (!isOfRequests(error)) {
        await sleep(ERROR_MS)
        return nothingApplied
      }
      return limit > 1 ? await turn(Math.ceil(limit / 2)) : await setAside(deps)
    }
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      isWoken = false
      try {
        const applied = await turn(REQUESTS_MAX)
        deps.onApplied(applied)
        if (applied.requests === 0) await wait(IDLE_MS)
      } catch (error) {
        deps.onError(error)
        await sleep(ERROR_MS)
      }
    }
  }

  return {
    start() {
      loop ??= run()
    },
    wake() {
      isWoken = true
      endWait?.()
    },
    async stop() {
      isStopped = true
      endWait?.()
      await loop
    },
  }
}
