import type { ConnectionState, Share } from './local-state.ts'
import type { CallShare } from './sql/sync-health.ts'

/** A worker that was told nothing for so long begins no call. */
const HOLDS_MS = 10_000
/** Most calls have ended so soon. */
const ENDING_MS = 5_000
/**
 * Then the others share out what a worker had that was not heard of: one that was killed holds nothing any more, and mail waits for it.
 * Only of one that is suspended or cut off from Postgres may longer calls still be under way.
 */
export const SHARE_LEASE_MS = HOLDS_MS + ENDING_MS
/** ReportedLimits no more often, whoever waits for it. */
const SYNC_MIN_MS = 200

export const noShare = (): Share => ({
  ...{
    held: 0,
    most: Number.POSITIVE_INFINITY,
    fair: Number.POSITIVE_INFINITY,
    until: Number.NEGATIVE_INFINITY,
  },
  ...{ peak: 0, restedTo: Number.POSITIVE_INFINITY, isResting: false, areOthersShort: false },
})

/** Whether calls at once have a limit that all workers together may not exceed; without one, each makes its part of what is limit. */
export function isLimited({ candidate: { limits, provider } }: ConnectionState): boolean {
  return limits?.concurrency !== undefined || provider.callsMax !== undefined
}

/** Calls that may be under way at once. */
export function callsOf({ held, most, until }: Share, now: number): number {
  return now < until ? Math.min(held, most) : 0
}

/** Whether it is to renewLease what it has: a while longer, unless others wait for it and it makes no call. */
function hasUse({ share, busy, waiting }: ConnectionState, isInUse: boolean): boolean {
  return isInUse && !(share.areOthersShort && busy + waiting.length === 0)
}

/** Whether it is time to tell the others: it waits for its part, or has some that it has no use for. */
export function mustSync(state: ConnectionState, isInUse: boolean, now: number): boolean {
  const { share, busy, waiting } = state
  if (!isLimited(state) || now - state.syncedAt < SYNC_MIN_MS) return false
  const lacks = waiting.length > 0 && share.held < share.fair
  return lacks || (share.held > busy && (share.held > share.most || !hasUse(state, isInUse)))
}

/** Notes that so many calls could be under way now. */
export function noteUse({ share, busy, waiting }: ConnectionState, more = 0): void {
  share.peak = Math.max(share.peak, busy + waiting.length + more)
  if (busy > share.restedTo) share.restedTo = Number.POSITIVE_INFINITY
}

/** Others wait for what it has: what it had use for until now does not count. */
export function forgetUse({ share, busy, waiting }: ConnectionState): void {
  share.peak = busy + waiting.length
}

/**
 * What a worker goes on making use of while it asks for more, which from now on is all that it may begin. What it gives up, the provider
 * has closed its sockets of before, since a server counts those and not calls; `rest` has it do so, and it is given up next time.
 */
export function renewLease(
  state: ConnectionState,
  { isInUse, now }: { isInUse: boolean; now: number },
  rest: (state: ConnectionState, sockets: number) => void,
): { keeps: number; wants: number } | null {
  const { share, busy } = state
  if (!isLimited(state)) return null
  // The others may have shared out what it had.
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

/** Takes over what it was given; `askedAt`: when it asked. */
export function adoptShare({ share }: ConnectionState, calls: CallShare | null, askedAt: number): void {
  if (!calls) return
  const { share: held, ...rest } = calls
  Object.assign(share, { ...rest, held, until: askedAt + HOLDS_MS })
  if (share.held > share.restedTo) share.restedTo = Number.POSITIVE_INFINITY
}
