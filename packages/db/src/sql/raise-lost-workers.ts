import type { Queryable } from '../pool.ts'
import { claimKeyArray } from './claim-key.ts'
import { LOST_WORKERS_MAX, type LostWorkers, RAISE_LOST, SET_ASIDE_REASON } from './lost-workers.ts'

/**
 * Counts a lost worker for hand-offs that were recorded as lost and are to be tried again; the others are at their end. Run it at once
 * after the record: a message that was claimed meanwhile is left alone.
 */
export async function raiseLostWorkers(
  db: Queryable,
  claims: { tenantId: string; messageId: string; epoch: number }[],
): Promise<LostWorkers> {
  if (claims.length === 0) return { released: 0, suspected: 0, aside: 0 }
  const { rows } = await db.query<LostWorkers>({
    name: 'raise-lost-workers',
    text: `
      with lost as materialized (
        select o.message_id, 1 as n
        from unnest($3::claim_key[]) as k
        join outbox o on o.message_id = k.message_id and o.epoch = k.epoch and o.tenant_id = k.tenant_id
        where o.state in ('waiting', 'ready')
        order by o.message_id for update of o
      ), ${RAISE_LOST}`,
    values: [LOST_WORKERS_MAX, SET_ASIDE_REASON, await claimKeyArray(db, claims)],
  })
  return rows[0] ?? { released: 0, suspected: 0, aside: 0 }
}
