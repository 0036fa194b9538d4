import type { EventDetail } from './responses.ts'

/** What is stored with an event, as JSON. */
export type EventData = {
  /** Number of the attempt that caused it. */
  attempt?: number
  reason?: string
  detail?: EventDetail
}
