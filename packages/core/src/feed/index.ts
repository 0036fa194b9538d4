/** Feed: a tenant's events in an order in which a reader misses none. */
export { presentEvent } from './present-event.ts'
export { type FeedDeps, type FeedEvent, type FeedQuery, readFeed } from './read-feed.ts'
