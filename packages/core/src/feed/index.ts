/** Feed: a tenant's events in an order in which a reader misses none, and how to wait for them. */
export { BEGINNING, writeFeedCursor } from './feed-cursor.ts'
export type { FeedFilter } from './feed-filter.ts'
export { createFeedNews, type FeedNews } from './feed-news.ts'
export { createFeedFollower, type FeedFollower, type FeedFollowing } from './follow-feed.ts'
export { presentEvent } from './present-event.ts'
export {
  type FeedBatch,
  type FeedEvent,
  type FeedReader,
  loadEvents,
  openWindow,
  readFeedFrom,
} from './read-feed.ts'
export type { FeedWindow } from './sql/read-feed.ts'
export { createWaitingPlaces, type WaitingPlaces } from './waiting-places.ts'
