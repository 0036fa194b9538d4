/** Throttle: rate limits, concurrency limits and circuit breakers of connections, shared by all workers. */

export { type Availability, isWaitWhy, type WaitWhy, waitReasons } from './availability.ts'
export type { PollResult } from './poll-account-limits.ts'
export type { ConnectionKey } from './sql/connection-key.ts'
export { createStreamQueue, type StreamQueue } from './stream-queue.ts'
export { createThrottle, noThrottle, type Permit, type Throttle } from './throttle.ts'
