import type { FeedBatch, FeedWindow } from '../feed/index.ts'
import type { Lease } from './sql/lease-state.ts'
import { recordPage, type WebhookResult } from './sql/record-results.ts'
import type { WebhookDeps } from './webhook-deps.ts'

/** A cursor that stands still is moved this often, since the days behind it are dropped. */
const IDLE_CURSOR_MS = 600_000

/**
 * What comes after a page: more of it, nothing for now, nothing until the pause is over, or the same events when more have come or the
 * endpoint has waited long enough for them.
 */
export type Served = 'more' | 'idle' | 'ended' | { holdMs: number }

/**
 * Moves the cursor past a page of which nothing was called, and makes these deliveries of it. A cursor that stands still is left for a while,
 * which costs nothing.
 */
export async function passPage(
  deps: Pick<WebhookDeps, 'pool'>,
  lease: Lease,
  { from }: FeedWindow,
  { events, next, hasMore }: FeedBatch,
  deliveries: readonly WebhookResult[],
): Promise<Served> {
  if (events.length === 0 && !hasMore && Date.now() - from.atMs <= IDLE_CURSOR_MS) return 'idle'
  const cursor = JSON.stringify(next)
  const health = { hasSuccess: false, failures: 0, pauseMs: null }
  if (!(await recordPage(deps.pool, lease, cursor, health, deliveries))) return 'ended'
  lease.cursor = cursor
  return hasMore ? 'more' : 'idle'
}
