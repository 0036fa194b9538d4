import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'

export type PoolAsk = { tenantId: string; messageId: string; epoch: number }

/** `lost`: the claim does not hold any more, and nothing was reserved. */
export type PoolShare = { kind: 'counted'; day: string } | { kind: 'full' } | { kind: 'lost' }

type Row = { of_epoch: number; verdict: string; of_day: string | null }

const askArray = rowArray<PoolAsk>('pool_ask', [
  column('uuid', (ask) => ask.tenantId),
  column('uuid', (ask) => ask.messageId),
  column('int8', (ask) => ask.epoch),
])

/**
 * Reserves a share of today's pool for each of these claimed messages, unless it has one. It belongs to the message from then on: a repeat of
 * this, by this worker or another, finds it. Answers in order.
 */
export async function takePoolShares(db: Queryable, asks: readonly PoolAsk[]): Promise<PoolShare[]> {
  const { rows } = await db.query<Row>({
    name: 'take-pool-shares',
    text: 'select of_epoch, verdict, of_day from take_pool_shares($1::pool_ask[])',
    values: [await askArray(db, [...asks])],
  })
  const byEpoch = new Map(rows.map((row) => [row.of_epoch, row]))
  return asks.map(({ epoch }): PoolShare => {
    const row = byEpoch.get(epoch)
    if (!row) return { kind: 'lost' }
    return row.of_day === null ? { kind: 'full' } : { kind: 'counted', day: row.of_day }
  })
}
