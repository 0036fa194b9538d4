import type { StoredMessage } from './read.ts'

const HOUR_S = 3_600

const between = (least: number, seconds: number, most: number): number =>
  Math.round(Math.min(most, Math.max(least, seconds)))

/**
 * Seconds after which it makes sense to read the message again; null: its status is final. A younger message changes sooner, so the
 * interval grows with its age; a deferred one changes when it is due.
 */
export function pollAfterSeconds(
  { status, createdAt, dueAt }: Pick<StoredMessage, 'status' | 'createdAt' | 'dueAt'>,
  now: number,
): number | null {
  const ageS = (now - createdAt.getTime()) / 1_000
  const dueInS = dueAt === null ? 0 : (dueAt.getTime() - now) / 1_000
  switch (status) {
    case 'queued':
    case 'sending':
      return between(1, ageS / 10, 30)
    case 'deferred':
      return between(1, dueInS, 60)
    case 'scheduled':
      return between(1, dueInS, HOUR_S)
    case 'held':
    case 'unknown':
      return 60
    case 'sent':
      return between(30, ageS / 10, HOUR_S)
    default:
      return null
  }
}
