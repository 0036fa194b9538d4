import type { RateGrant, RateOrder } from './sql/reserve-rate.ts'

/** One attempt that requests its sending time. */
export type Ask = Pick<
  RateOrder,
  'tenantId' | 'connectionId' | 'rate' | 'perDay' | 'reported' | 'version'
> & {
  recipients: number
  /** Its sending time was reserved earlier and has been reached. */
  hasTime: boolean
}

/** `ofDay`: recipients reserved of the daily limit; returned unless this attempt starts now. */
export type Answer = { waitMs: number; why: 'rate' | 'rate-far' | 'day' | null; ofDay: number }

export const HOUR_MS = 3_600_000

/** Picks a random time in the second half of an hour: messages without a reserved time must not return together. */
export const farMs = (random: () => number) => HOUR_MS / 2 + (random() * HOUR_MS) / 2

/** Combines simultaneous requests for one connection into one order. */
export function toRateOrder(asks: readonly Ask[]): RateOrder {
  const newest = asks.reduce<Ask | null>((one, ask) => (one && one.version >= ask.version ? one : ask), null)
  if (!newest) throw new RangeError('an order needs at least one request')
  const sum = (list: readonly Ask[]) => list.reduce((total, { recipients }) => total + recipients, 0)
  const { tenantId, connectionId, rate, perDay, reported, version } = newest
  return {
    tenantId,
    connectionId,
    rate,
    perDay,
    reported,
    version,
    wanted: sum(asks.filter(({ hasTime }) => !hasTime)),
    largest: Math.max(...asks.map(({ recipients }) => recipients)),
    wantedOfDay: sum(asks),
  }
}

/** Distributes a grant, first come, first served. Pure. */
export function allocate(
  asks: readonly Ask[],
  { rate, countsDay, ...grant }: RateGrant,
  random: () => number = Math.random,
): Answer[] {
  let [times, places] = [0, grant.grantedOfDay]
  return asks.map(({ recipients, hasTime }) => {
    let waitMs = 0
    if (rate !== null && !hasTime) {
      // Rounding may leave the grant slightly below the request.
      const isFar = times + recipients > grant.granted + 1e-6
      if (!isFar) waitMs = Math.max(0, grant.startMs + (times / rate) * 1000)
      times += recipients
      if (isFar) return { waitMs: farMs(random), why: 'rate-far', ofDay: take(recipients) }
    }
    const ofDay = take(recipients)
    if (countsDay && ofDay < recipients) {
      const untilTomorrow = grant.dayEndsInMs + random() * 60_000
      return { waitMs: Math.min(untilTomorrow, farMs(random)), why: 'day', ofDay }
    }
    return { waitMs, why: waitMs > 0 ? 'rate' : null, ofDay }
  })

  function take(recipients: number): number {
    if (!countsDay) return 0
    const taken = Math.min(places, recipients)
    places -= taken
    return taken
  }
}
