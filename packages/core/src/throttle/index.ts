/** Throttle: rate limits, concurrency limits and circuit breakers of connections, shared by all workers. */
export type { Asked } from './poll-account-limits.ts'
export type { PaceKey } from './sql/connection-key.ts'
export { isWaitWhy, type Standing, type WaitWhy, waitReasons } from './standing.ts'
export { createStreamQueue, type StreamQueue } from './stream-queue.ts'
export { createPace, noPace, type Pace, type Permit } from './throttle.ts'
