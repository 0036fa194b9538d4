import type { CallShare } from './sql/sync-health.ts'
import type { ConnectionState, Share } from './types.ts'

/** Without a renewed lease for this long, a worker starts no calls. */
const HOLDS_MS = 10_000
/** Most calls end within this time. */
const ENDING_MS = 5_000
/**
 * After this time the other workers take over the share of a silent worker: a killed worker makes no calls, and mail waits for its share.
 * Only a worker that is suspended or cut off from Postgres may still have longer calls in progress.
 */
export const SHARE_LEASE_MS = HOLDS_MS + ENDING_MS
/** Least interval between two syncs of one connection. */
const SYNC_MIN_MS = 200

export const noShare = (): Share => ({
  held: 0,
  most: Number.POSITIVE_INFINITY,
  fair: Number.POSITIVE_INFINITY,
  until: Number.NEGATIVE_INFINITY,
  peak: 0,
  restedTo: Number.POSITIVE_INFINITY,
  isResting: false,
  areOthersShort: false,
})

/** Whether a concurrency limit holds for all workers together; without one, each worker uses its part of the learned concurrency. */
export function isLimited({ candidate: { limits, provider } }: ConnectionState): boolean {
  return limits?.concurrency !== undefined || provider.callsMax !== undefined
}

/** Calls that this lease allows at the same time. */
export function callsOf({ held, most, until }: Share, now: number): number {
  return now < until ? Math.min(held, most) : 0
}

/** Whether to keep the share: while in use, unless other workers wait for it and this one makes no calls. */
function hasUse({ share, busy, waiting }: ConnectionState, isInUse: boolean): boolean {
  return isInUse && !(share.areOthersShort && busy + waiting.length === 0)
}

/** Whether to sync now: calls wait for a larger share, or part of the share is unused. */
export function mustSync(state: ConnectionState, isInUse: boolean, now: number): boolean {
  const { share, busy, waiting } = state
  if (!isLimited(state) || now - state.syncedAt < SYNC_MIN_MS) return false
  const lacks = waiting.length > 0 && share.held < share.fair
  return lacks || (share.held > busy && (share.held > share.most || !hasUse(state, isInUse)))
}

/** Records how many calls could be in progress now. */
export function noteUse({ share, busy, waiting }: ConnectionState, more = 0): void {
  share.peak = Math.max(share.peak, busy + waiting.length + more)
  if (busy > share.restedTo) share.restedTo = Number.POSITIVE_INFINITY
}

/** Resets the recorded peak, because other workers wait for the share. */
export function forgetUse({ share, busy, waiting }: ConnectionState): void {
  share.peak = busy + waiting.length
}

/**
 * Decides the share to keep and to request in the next sync. From now on, the kept share is all that may be started. Before a part is given
 * up, the provider closes its idle sockets (`rest`), because servers count sockets and not calls; the part is given up in a later sync.
 */
export function renewLease(
  state: ConnectionState,
  { isInUse, now }: { isInUse: boolean; now: number },
  rest: (state: ConnectionState, sockets: number) => void,
): { keeps: number; wants: number } | null {
  const { share, busy } = state
  if (!isLimited(state)) return null
  // Other workers may have taken over the expired share.
  if (now >= share.until) share.held = busy
  const lower = Math.max(busy, hasUse(state, isInUse) ? callsOf(share, now) : 0)
  const mustRest = share.restedTo > lower && state.candidate.provider.rest !== undefined
  if (lower >= share.held || !mustRest) share.held = lower
  else if (!share.isResting) rest(state, lower)
  noteUse(state)
  const wants = isInUse ? share.peak : 0
  forgetUse(state)
  return { keeps: share.held, wants }
}

/** Adopts the share from a sync; `askedAt`: when the sync was sent. */
export function adoptShare({ share }: ConnectionState, calls: CallShare | null, askedAt: number): void {
  if (!calls) return
  const { share: held, ...rest } = calls
  Object.assign(share, { ...rest, held, until: askedAt + HOLDS_MS })
  if (share.held > share.restedTo) share.restedTo = Number.POSITIVE_INFINITY
}
