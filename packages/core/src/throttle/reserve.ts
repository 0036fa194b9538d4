import { createBatcher } from '@lettergate/db/batcher'
import type { Queryable } from '@lettergate/db/pool'
import { type Answer, type Ask, allocate, toRateOrder } from './allocate.ts'
import { reserveRate } from './sql/reserve-rate.ts'

const BATCH_MAX = 500

/** Reserves sending times and shares of the daily limit; simultaneous requests share a round trip. */
export function createReservations(deps: {
  pool: Queryable
  onReserve?: (recipients: number) => void
  random?: () => number
}): (ask: Ask) => Promise<Answer> {
  const batcher = createBatcher<Ask, Answer>({
    async run(asks) {
      const byConnection = Map.groupBy(asks, ({ connectionId }) => connectionId)
      const orders = [...byConnection.values()].map(toRateOrder)
      const grants = await reserveRate(deps.pool, orders)
      const answers = new Map<Ask, Answer>()
      for (const order of orders) {
        const list = byConnection.get(order.connectionId) ?? []
        const grant = grants.get(order.connectionId)
        if (!grant) throw new Error('a reservation got no answer')
        for (const [index, answer] of allocate(list, grant, deps.random).entries()) {
          const ask = list[index]
          if (ask) answers.set(ask, answer)
        }
        deps.onReserve?.(Math.max(order.wanted, order.wantedOfDay))
      }
      return asks.map((ask) => answers.get(ask) ?? new Error('a reservation got no answer'))
    },
    itemsMax: BATCH_MAX,
  })
  return (ask) => batcher.add(ask)
}
