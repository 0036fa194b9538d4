/** A message that as many workers were lost over is set aside. */
export const LOST_WORKERS_MAX = 3

/** The reason of an attempt whose worker was lost. */
export const WORKER_LOST = 'the worker was lost during the attempt'

/** Shown to the tenant. */
export const SET_ASIDE_REASON =
  'held: three workers ended unexpectedly while they sent this message. Retry it for one more attempt, or cancel it'

/** Messages whose worker was lost, of some that are free again. */
export type LostWorkers = {
  /** Messages looked at. */
  released: number
  /** Of these, one more worker was lost over them. */
  suspected: number
  /** Of these, set aside for good. */
  aside: number
}

export const NONE_LOST: LostWorkers = { released: 0, suspected: 0, aside: 0 }
