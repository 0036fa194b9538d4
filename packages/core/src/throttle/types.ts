import type { Candidate } from '../connections/index.ts'
import type { Bookings } from './book-bulk.ts'
import type { Tally } from './circuit-breaker.ts'
import type { Health, HealthReport } from './sql/sync-health.ts'
import type { StreamQueue } from './stream-queue.ts'

/** A message that waits for a call to end. */
export type CallWaiter = { isBulk: boolean; wake(): void }

/** State of one connection at this worker. Times are of `performance.now()`. */
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
  reported: Health['reported']
  /** When the limits were last polled from its provider. */
  askedAt: number
  tally: Tally
  busy: number
  /** Messages that wait for a call to end. */
  waiting: StreamQueue<CallWaiter>
  callMs: number
  bookings: Bookings
  /** When the deferred messages will have been sent, by stream. */
  tails: { transactional: number; bulk: number }
  pausesInARow: number
  halvedAt: number
  usedAt: number
  syncedAt: number
  share: Share
  /** Changes not yet written to `connection_health`. */
  pending: Pick<HealthReport, 'grow' | 'halve' | 'pauseMs' | 'pauseReason' | 'unused'>
}

/** A worker's share of a limited concurrency. */
export type Share = {
  /** Calls that the other workers leave to this one. */
  held: number
  /** No call beyond this number starts: other workers wait for the rest. */
  most: number
  /** The share if all workers took theirs. */
  fair: number
  areOthersShort: boolean
  /** End of the lease; of `performance.now()`. */
  until: number
  /** The most calls needed since the last sync. */
  peak: number
  /** Idle sockets that the provider keeps at most. */
  restedTo: number
  isResting: boolean
}
