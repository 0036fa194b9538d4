import type { Queryable } from '@lettergate/db/pool'
import type { LostClaim } from './raise-lost-workers.ts'

/**
 * Claims whose worker did not finish in time, and whether a worker had begun them: else their queue was emptied, or their dispatcher died.
 */
export async function listExpiredClaims(db: Queryable, limit: number): Promise<LostClaim[]> {
  const { rows } = await db.query<{
    tenant_id: string
    message_id: string
    epoch: number
    in_hand: boolean
  }>({
    name: 'list-expired-claims',
    text: `
      with lapsed as materialized (
        select tenant_id, message_id, epoch from outbox where phase = 'held' and state = 'claimed' and lease_until < now()
        order by lease_until limit $1
      ), in_hand as materialized (
        select e.epoch from claim_in_hand c cross join unnest(c.epochs) e (epoch)
        where exists (select from lapsed) and c.epochs && array(select epoch from lapsed)
      )
      select tenant_id, message_id, epoch, epoch in (select epoch from in_hand) as in_hand from lapsed`,
    values: [limit],
  })
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    messageId: row.message_id,
    epoch: row.epoch,
    inHand: row.in_hand,
  }))
}
