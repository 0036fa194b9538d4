import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFailure } from '@lettergate/db/errors'
import { notify, repeatTurns, type Wakeable } from '../lib/index.ts'
import { type Applied, type ApplyDeps, applyTurn, type ForeignEvents, nothingApplied } from './apply-turn.ts'
import { postponeFailed } from './sql/take-due.ts'

const REQUESTS_MAX = 200
/** A turn with as many is one of a backlog; the share of a tenant may leave it below the limit. */
const BACKLOG_REQUESTS = 50
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

/** Takes a request that cannot be applied off the list for a while, or for good; what came is kept. */
async function setAside({ pool }: ApplyDeps, id: number): Promise<Applied> {
  const isGivenUp = await postponeFailed(pool, id, FAILED_S)
  return { ...nothingApplied, requests: 1, failed: isGivenUp ? 1 : 0 }
}

function sum(first: Applied, second: Applied): Applied {
  return {
    requests: first.requests + second.requests,
    applied: first.applied + second.applied,
    repeated: first.repeated + second.repeated,
    early: first.early + second.early,
    foreign: first.foreign + second.foreign,
    expired: first.expired + second.expired,
    unread: first.unread + second.unread,
    failed: first.failed + second.failed,
    waitedMs: Math.max(first.waitedMs, second.waitedMs),
  }
}

/**
 * Applies requests of providers that are due; safe in any number of processes. Where a turn fails, each half of it is applied alone, down to
 * the one request that cannot be applied, so that it holds up no other. While there is a backlog, one turn is read while another is written.
 * To be woken when new requests were stored.
 */
export function createEventApplier(
  deps: ApplyDeps & {
    onApplied: (applied: Applied) => void
    /** For the log: nothing was changed. */
    onForeign: (events: ForeignEvents) => void
    onError: (error: unknown) => void
  },
): Wakeable {
  let helper: Promise<void> | null = null

  /** Applies these requests, or whichever are due. */
  async function turn(ids: readonly number[] | null = null): Promise<Applied> {
    let taken: readonly number[] = []
    try {
      const { applied, notifications, foreign } = await applyTurn(deps, {
        limit: REQUESTS_MAX,
        ids,
        onTaken: (now) => {
          taken = now
        },
      })
      for (const events of foreign) deps.onForeign(events)
      // A lost notification is harmless: readers also poll.
      notify(deps.pool, notifications).catch(deps.onError)
      return applied
    } catch (error) {
      deps.onError(error)
      const [first] = taken
      if (first === undefined || !isOfRequests(error)) {
        await sleep(ERROR_MS)
        return nothingApplied
      }
      if (taken.length === 1) return await setAside(deps, first)
      const half = Math.ceil(taken.length / 2)
      return sum(await turn(taken.slice(0, half)), await turn(taken.slice(half)))
    }
  }

  async function report(): Promise<number> {
    try {
      const applied = await turn()
      deps.onApplied(applied)
      return applied.requests
    } catch (error) {
      deps.onError(error)
      await sleep(ERROR_MS)
      return 0
    }
  }

  async function help(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await report()) >= BACKLOG_REQUESTS);
    helper = null
  }

  const turns = repeatTurns(
    async (signal) => {
      const requests = await report()
      if (requests >= BACKLOG_REQUESTS) helper ??= help(signal)
      return requests === 0 ? IDLE_MS : 0
    },
    { errorMs: ERROR_MS, onError: deps.onError },
  )

  return {
    ...turns,
    async stop() {
      await turns.stop()
      await helper
    },
  }
}
