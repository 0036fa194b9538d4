import type { Queryable } from '../pool.ts'
import { LOST_WORKERS_MAX, type LostWorkers, RAISE_LOST, SET_ASIDE_REASON } from './lost-workers.ts'

/**
 * Makes claims ready again whose worker did not finish in time. One that was in the hands of a worker counts as a worker lost over it; one
 * that nobody had begun (a queue that was emptied, a dispatcher that died) does not.
 */
export async function releaseExpiredClaims(db: Queryable, limit: number): Promise<LostWorkers> {
  const { rows } = await db.query<LostWorkers>({
    name: 'release-expired-claims',
    text: `
      with lapsed as materialized (
        select message_id, epoch from outbox where phase = 'held' and state = 'claimed' and lease_until < now()
        order by lease_until limit $3 for update skip locked
      ), in_hand as materialized (
        select unnest(epochs) as epoch from claim_in_hand where exists (select from lapsed)
      ), lost as materialized (
        select message_id, (epoch in (select epoch from in_hand))::int4 as n from lapsed
      ), ${RAISE_LOST}`,
    values: [LOST_WORKERS_MAX, SET_ASIDE_REASON, limit],
  })
  return rows[0] ?? { released: 0, suspected: 0, aside: 0 }
}
