import type { Pool } from '@lettergate/db/pool'
import { CLAIM_LEASE_MS, type Failpoint } from '../lib/index.ts'
import { type Claim, claimMessages, FIRST_TENANT } from './sql/claim-messages.ts'
import { promoteDue } from './sql/promote-due.ts'
import { releaseClaims } from './sql/release-claims.ts'

export type Dispatcher = {
  start(): void
  /** Reports new work of these tenants (null: any): claims immediately if idle, or if one of them waits while others are served. */
  wake(tenantIds: readonly string[] | null): void
  /** A claim has ended, so there is room for another. */
  finished(): void
  /** Resolves when the last claim has been enqueued. */
  stop(): Promise<void>
}

const TENANTS_MAX = 50
const PROMOTE_MAX = 1_000
/** Polls this often, in case a notification is lost. */
const IDLE_MS = 1_000
/**
 * While claims end one by one, they are gathered for up to this long, so that a claim is worth its round trip: at 2,000 messages
 * a second a claim fetches 80. Only while many claims are held; a nearly idle dispatcher responds to a wake-up immediately.
 */
const REFILL_MS = 40
/**
 * Earliest claim for a tenant that got nothing by the last claim: a newcomer must not wait for `REFILL_MS`. Without this bound, a thousand
 * small tenants would cause claims all the time.
 */
const NEWCOMER_MS = 10
/** …or until this part of the depth has ended. */
const REFILL_PART = 8
const ERROR_MS = 500
/** Looks this often whether the queue is back. */
const QUEUE_AWAY_MS = 250

/**
 * Moves due messages from the backlog in Postgres into the queue, at most `depth` at a time in the whole installation. Any
 * number of dispatchers may run: rows are claimed with SKIP LOCKED, and `depth` counts everybody's claims.
 */
export function createDispatcher(deps: {
  pool: Pool
  enqueue: (claims: Claim[]) => Promise<void>
  /** Whether the queue takes jobs now: what cannot be enqueued is not claimed. */
  isQueueOpen?: () => boolean
  depth: number
  /** For tests. */
  refillMs?: number
  failpoint: Failpoint
  onClaim: (count: number) => void
  onError: (error: unknown) => void
}): Dispatcher {
  let cursor = FIRST_TENANT
  let stopped = false
  let poked = false
  let finishedCount = 0
  let wakeAtCount = 0
  let wake: (() => void) | null = null
  let served: ReadonlySet<string> = new Set()
  let claimedAt = 0
  /** A tenant came that the last claim did not serve. */
  let hasNewcomer = false
  let newcomerTimer: NodeJS.Timeout | null = null
  let nextPromoteAt = 0
  let loop: Promise<void> | null = null

  function wait(ms: number, wakeable: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        wake = null
        resolve()
      }
      if (wakeable) wake = done
    })
  }

  function wakeForNewcomer(): void {
    newcomerTimer ??= setTimeout(
      () => {
        newcomerTimer = null
        if (wakeAtCount > 0) wake?.()
      },
      Math.max(0, claimedAt + NEWCOMER_MS - performance.now()),
    )
  }

  async function promote(): Promise<void> {
    if (performance.now() < nextPromoteAt) return
    const { more, nextDueMs } = await promoteDue(deps.pool, PROMOTE_MAX)
    nextPromoteAt = performance.now() + (more ? 0 : Math.min(nextDueMs ?? IDLE_MS, IDLE_MS))
  }

  async function enqueue(claims: Claim[]): Promise<void> {
    await deps.failpoint('after_commit_before_enqueue')
    try {
      await deps.enqueue(claims)
    } catch (error) {
      // It may have been added all the same: then its epoch is stale, and the fence turns it away.
      await releaseClaims(deps.pool, claims)
      throw error
    }
    await deps.failpoint('after_enqueue_before_mark')
  }

  /** Claims once. `more`: there may be more to claim right now; `held`: claims that everybody holds after it. */
  async function claim(): Promise<{ more: boolean; held: number }> {
    claimedAt = performance.now()
    hasNewcomer = false
    const result = await claimMessages(deps.pool, {
      depth: deps.depth,
      afterTenant: cursor,
      tenantsMax: TENANTS_MAX,
      leaseMs: CLAIM_LEASE_MS,
    })
    served = new Set(result.claims.map(({ tenantId }) => tenantId))
    const isRoundOver = result.cursor === null
    const startedAtFirst = cursor === FIRST_TENANT
    cursor = result.cursor ?? FIRST_TENANT
    if (result.claims.length > 0) {
      deps.onClaim(result.claims.length)
      await enqueue(result.claims)
    }
    // A second claim for the same tenants would find their shares used up.
    const more = isRoundOver ? !startedAtFirst : result.claims.length > 0
    return { more, held: deps.depth - result.free + result.claims.length }
  }

  async function turn(): Promise<void> {
    poked = false
    const finishedBefore = finishedCount
    await promote()
    if (deps.isQueueOpen?.() === false) return wait(QUEUE_AWAY_MS, false)
    const { more, held } = await claim()
    if (more || stopped) return
    if (held > deps.depth / REFILL_PART) {
      wakeAtCount = finishedBefore + deps.depth / REFILL_PART
      if (hasNewcomer) wakeForNewcomer()
      if (finishedCount < wakeAtCount) await wait(deps.refillMs ?? REFILL_MS, true)
      wakeAtCount = 0
      return
    }
    if (poked) return
    const untilPromote = Math.max(1, nextPromoteAt - performance.now())
    await wait(Math.min(IDLE_MS, untilPromote), true)
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        await turn()
      } catch (error) {
        deps.onError(error)
        await wait(ERROR_MS, false)
      }
    }
  }

  return {
    start() {
      loop ??= run()
    },
    wake(tenantIds) {
      poked = true
      if (wakeAtCount === 0) wake?.()
      if (tenantIds?.every((tenantId) => served.has(tenantId))) return
      hasNewcomer = true
      if (wakeAtCount > 0) wakeForNewcomer()
    },
    finished() {
      finishedCount++
      if (wakeAtCount > 0 && finishedCount >= wakeAtCount) wake?.()
    },
    async stop() {
      stopped = true
      if (newcomerTimer) clearTimeout(newcomerTimer)
      wake?.()
      await loop
    },
  }
}
