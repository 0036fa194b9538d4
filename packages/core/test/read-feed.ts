import {
  type FeedEvent,
  type FeedFilter,
  type FeedReader,
  openWindow,
  readFeedFrom,
  writeFeedCursor,
} from '../src/feed/index.ts'

export type FeedQuery = FeedFilter & {
  /** The cursor of the page before, or where to start. */
  after: 'beginning' | 'now' | string
}

/** As `readFeedFrom`, by cursors. There is always a cursor to go on with. */
export async function readFeed(
  deps: Parameters<typeof openWindow>[0] & Parameters<typeof readFeedFrom>[0],
  reader: FeedReader,
  { after, ...filter }: FeedQuery,
  limit: number,
): Promise<{ events: FeedEvent[]; nextCursor: string; hasMore: boolean }> {
  const window = await openWindow(deps, reader, after)
  if (after === 'now') {
    return { events: [], nextCursor: writeFeedCursor(deps.cursorKey, reader, window), hasMore: false }
  }
  const { events, next, hasMore } = await readFeedFrom(deps, reader, window, filter, limit)
  return { events, nextCursor: writeFeedCursor(deps.cursorKey, reader, next), hasMore }
}
