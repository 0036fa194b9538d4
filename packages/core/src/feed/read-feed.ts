import { type EventType, typeOfNumber } from '@lettergate/contracts/messages/event-types'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { type CursorKey, fromStorage } from '../lib/index.ts'
import { BEGINNING, readFeedCursor } from './feed-cursor.ts'
import { type FeedFilter, filterValues } from './feed-filter.ts'
import { type FeedDetails, loadFeedEvents } from './sql/load-feed-events.ts'
import {
  type FeedPage,
  type FeedRow,
  type FeedWindow,
  readFeedMoment,
  readFeedPage,
  windowFrom,
} from './sql/read-feed.ts'

type FeedDeps = {
  tenants: Tenants
  cursorKey: CursorKey
  /** Days for which events stay in the feed. */
  keptDays: number
}

/** Whose events: a test key reads those of test keys. */
export type FeedReader = { tenantId: string; mode: string }

export type FeedEvent = FeedDetails & {
  /** As among the events of its message: 0 for its acceptance. */
  seq: number
  /** Null: an event of the account. */
  messageId: string | null
  connectionId: string | null
  type: EventType
  stream: 'transactional' | 'bulk'
}

/** Events with the window that comes after each of them, and the window to go on with. */
export type FeedBatch = {
  events: FeedEvent[]
  afters: FeedWindow[]
  next: FeedWindow
  /** Whether there may be more at once. */
  hasMore: boolean
}

const DAY_MS = 86_400_000

/** The window after a page of at most `limit` rows: the rest of the same snapshot, or what comes after it. */
function windowAfter({ from }: FeedWindow, { to, rows, scannedTo }: FeedPage, limit: number): FeedWindow {
  const last = rows[limit - 1]
  if (last && rows.length > limit) return { from, to, reached: [last.pos, last.seq] }
  if (scannedTo) return { from, to, reached: scannedTo }
  return windowFrom(to)
}

/** A replay from the beginning that was left in its midst is as old as its end: what it would go on with is gone. */
function checkAge({ from, to }: FeedWindow, keptDays: number): void {
  const oldest = from.atMs === BEGINNING.from.atMs ? to : from
  if (oldest && oldest.atMs < Date.now() - keptDays * DAY_MS) throw new Problem('cursor-expired')
}

function toEvent(row: FeedRow, details: FeedDetails): FeedEvent {
  const type = typeOfNumber(row.type)
  return {
    ...details,
    seq: type === 'message.accepted' ? 0 : row.seq,
    messageId: row.messageId,
    connectionId: row.connectionId,
    type,
    stream: row.isBulk ? 'bulk' : 'transactional',
  }
}

/** The events of these rows, in order; null for one whose message is gone. */
export async function loadEvents(
  { tenants }: Pick<FeedDeps, 'tenants'>,
  tenantId: string,
  rows: readonly FeedRow[],
): Promise<(FeedEvent | null)[]> {
  const details = await loadFeedEvents(tenants.forTenant(tenantId), tenantId, rows)
  return rows.map((row, index) => {
    const found = details[index]
    return found ? toEvent(row, found) : null
  })
}

/** The window of a reader that starts with what comes now. */
export async function windowOfNow(deps: Pick<FeedDeps, 'tenants'>, tenantId: string): Promise<FeedWindow> {
  return windowFrom(await fromStorage(readFeedMoment(deps.tenants.forTenant(tenantId))))
}

/** The window behind `after` of a query; throws a `Problem` for a cursor that is not this reader's. */
export async function openWindow(
  deps: Pick<FeedDeps, 'tenants' | 'cursorKey'>,
  reader: FeedReader,
  after: string,
): Promise<FeedWindow> {
  if (after === 'now') return windowOfNow(deps, reader.tenantId)
  return after === 'beginning' ? BEGINNING : readFeedCursor(deps.cursorKey, reader, after)
}

/**
 * Reads a tenant's events in an order in which none is ever missed: a page is what was committed since the snapshot in the window. Events
 * of one message come in their order; a transaction that ends late is not waited for, its events come when it ends.
 * A page may be shorter than the limit, since messages may be gone, and since a filter looks at a bounded number of events.
 */
export async function readFeedFrom(
  deps: Pick<FeedDeps, 'tenants' | 'keptDays'>,
  { tenantId, mode }: FeedReader,
  window: FeedWindow,
  filter: FeedFilter,
  limit: number,
): Promise<FeedBatch> {
  checkAge(window, deps.keptDays)
  const db = deps.tenants.forTenant(tenantId)
  const page = await fromStorage(readFeedPage(db, tenantId, filterValues(filter, mode), window, limit + 1))
  const rows = page.rows.slice(0, limit)
  const found = await fromStorage(loadEvents(deps, tenantId, rows))
  const next = windowAfter(window, page, limit)
  const kept = rows.flatMap(({ pos, seq }, index) => {
    const event = found[index]
    const after: FeedWindow = { from: window.from, to: page.to, reached: [pos, seq] }
    return event ? [{ event, after }] : []
  })
  return {
    events: kept.map(({ event }) => event),
    afters: kept.map(({ after }) => after),
    next,
    // After the rest of an older snapshot comes what was committed since.
    hasMore: next.to !== null || window.to !== null,
  }
}
