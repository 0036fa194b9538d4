import { type EventType, eventTypeNames } from '@lettergate/contracts/messages/event-types'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { type CursorKey, fromStorage } from '../lib/index.ts'
import { BEGINNING, readFeedCursor, writeFeedCursor } from './feed-cursor.ts'
import { type FeedDetails, loadFeedEvents } from './sql/load-feed-events.ts'
import {
  type FeedPage,
  type FeedRow,
  type FeedWindow,
  readFeedMoment,
  readFeedPage,
} from './sql/read-feed.ts'

export type FeedDeps = {
  tenants: Tenants
  cursorKey: CursorKey
  /** Days for which events stay in the feed. */
  keptDays: number
}

export type FeedQuery = {
  /** The cursor of the page before, or where to start. */
  after: 'beginning' | 'now' | string
  types?: readonly EventType[]
  connectionId?: string
}

export type FeedEvent = FeedDetails & {
  /** As among the events of its message: 0 for its acceptance. */
  seq: number
  /** Null: an event of the account. */
  messageId: string | null
  connectionId: string | null
  type: EventType
  stream: 'transactional' | 'bulk'
}

const DAY_MS = 86_400_000

/** The window after a page of at most `limit` rows: the rest of the same snapshot if `page` has one row more, else what comes after it. */
function windowAfter({ from }: FeedWindow, { to, rows }: FeedPage, limit: number): FeedWindow {
  const last = rows[limit - 1]
  if (!last || rows.length === limit) return { from: to, to: null, reached: [0, 0] }
  return { from, to, reached: [last.pos, last.seq] }
}

function checkAge({ from }: FeedWindow, keptDays: number): void {
  const isFromBeginning = from.atMs === BEGINNING.from.atMs
  if (!isFromBeginning && from.atMs < Date.now() - keptDays * DAY_MS) throw new Problem('cursor-expired')
}

function toEvent(row: FeedRow, details: FeedDetails | null | undefined): FeedEvent | null {
  const type = eventTypeNames[row.type - 1]
  if (!type) throw new Error(`the feed has an event of the unknown type ${row.type}`)
  if (!details) return null
  return {
    ...details,
    seq: type === 'message.accepted' ? 0 : row.seq,
    messageId: row.messageId,
    connectionId: row.connectionId,
    type,
    stream: row.isBulk ? 'bulk' : 'transactional',
  }
}

/**
 * Reads a tenant's events in an order in which none is ever missed: a page is what was committed since the snapshot in the cursor. Events
 * of one message come in their order; a transaction that ends late is not waited for, its events come when it ends.
 * There is always a cursor to go on with. A page may be shorter than the limit, since messages may be gone.
 */
export async function readFeed(
  { tenants, cursorKey, keptDays }: FeedDeps,
  reader: { tenantId: string; mode: string },
  { after, types, connectionId }: FeedQuery,
  limit: number,
): Promise<{ events: FeedEvent[]; nextCursor: string }> {
  const db = tenants.forTenant(reader.tenantId)
  if (after === 'now') {
    const from = await fromStorage(readFeedMoment(db))
    return { events: [], nextCursor: writeFeedCursor(cursorKey, reader, { ...BEGINNING, from }) }
  }
  const window = after === 'beginning' ? BEGINNING : readFeedCursor(cursorKey, reader, after)
  checkAge(window, keptDays)
  const filter = {
    mode: reader.mode,
    types: types ? types.map((type) => eventTypeNames.indexOf(type) + 1) : null,
    connectionId: connectionId ?? null,
  }
  const page = await fromStorage(readFeedPage(db, reader.tenantId, filter, window, limit + 1))
  const rows = page.rows.slice(0, limit)
  const details = await fromStorage(loadFeedEvents(db, reader.tenantId, rows))
  return {
    events: rows.flatMap((row, index) => toEvent(row, details[index]) ?? []),
    nextCursor: writeFeedCursor(cursorKey, reader, windowAfter(window, page, limit)),
  }
}
