import type { Candidate } from '../connections/index.ts'
import type { Bookings } from './book-bulk.ts'
import type { Tally } from './circuit-breaker.ts'
import type { Health, HealthReport } from './sql/sync-health.ts'
import type { StreamQueue } from './stream-queue.ts'

/** A message that waits for a call to end. */
export type CallWaiter = { isBulk: boolean; wake(): void }

/** What a worker knows of one connection. Times are of `performance.now()`. */
export type ConnectionState = {
  tenantId: string
  connectionId: string
  candidate: Candidate
  known: boolean
  circuit: Health['state']
  retryAt: number
  probeUntil: number
  pausedUntil: number
  concurrency: number
  workers: number
  told: Health['told']
  /** When its provider was last asked what it may send. */
  askedAt: number
  tally: Tally
  busy: number
  /** Messages that wait for a call to end. */
  waiting: StreamQueue<CallWaiter>
  callMs: number
  bookings: Bookings
  /** When those that were put back are done, of each stream. */
  tails: { transactional: number; bulk: number }
  pausesInARow: number
  halvedAt: number
  usedAt: number
  syncedAt: number
  share: Share
  /** What the others do not know yet. */
  pending: Pick<HealthReport, 'grow' | 'halve' | 'pauseMs' | 'pauseReason' | 'unused'>
}

/** A worker's part of the calls at once of a connection, where the tenant or the provider limits them. */
export type Share = {
  /** The others leave it so many. */
  held: number
  /** It begins none beyond so many: others wait for the rest. */
  most: number
  /** What it would have if all took theirs. */
  fair: number
  areOthersShort: boolean
  /** It may begin calls until then; of `performance.now()`. */
  until: number
  /** How many it had use for since it was told last. */
  peak: number
  /** The provider keeps no more than so many sockets open for calls to come. */
  restedTo: number
  isResting: boolean
}
