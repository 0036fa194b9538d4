import { toHeldRecord } from './outcome.ts'
import type { LoadedMessage } from './sql/load-claimed.ts'
import type { OutcomeRecord } from './sql/record-outcomes.ts'

/** From acceptance, a message waits this long for the pool, and then fails. */
const DAYS_MAX = 7
const DAY_MS = 86_400_000
/** Held messages return within this time after midnight, the oldest first, and bulk mail after the others. */
const SPREAD_MS = 60_000

const nextDay = (now: number) => (Math.floor(now / DAY_MS) + 1) * DAY_MS

function ended(reason: string): string {
  return `${reason.replace(/\.$/, '')}. This did not change for ${DAYS_MAX} days, so the message was given up. Send it again once you have a connection of your own or room in the pool.`
}

/**
 * Holds a message that the shared pool alone could carry, and does not carry now: until the next day (UTC), or until the tenant's connections,
 * its domains or its standing with the pool change. What was counted on the pool stays counted while that day lasts.
 */
export function toPoolHeldRecord(message: LoadedMessage, reason: string, now: number): OutcomeRecord {
  const ageMs = now - message.createdAt.getTime()
  const age = Math.min(1, Math.max(0, ageMs / (DAYS_MAX * DAY_MS)))
  const afterMs = SPREAD_MS * (1 - age) + (message.stream === 'bulk' ? SPREAD_MS : 0)
  const againInMs = nextDay(now) - now + afterMs
  const isLast = ageMs + againInMs >= DAYS_MAX * DAY_MS
  const held = toHeldRecord(message, isLast ? ended(reason) : reason, {
    againInMs,
    expiresInMs: isLast ? 0 : Number.POSITIVE_INFINITY,
  })
  return { ...held, pool: { byPool: false, holds: true } }
}
