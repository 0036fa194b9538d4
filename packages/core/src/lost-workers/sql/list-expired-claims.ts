import type { Queryable } from '@lettergate/db/pool'

export type ExpiredClaim = {
  tenantId: string
  messageId: string
  epoch: number
  /** Workers that had begun it; none: its queue was emptied, or its dispatcher died. */
  workers: number[]
}

/**
 * Lists claims whose worker did not begin their call in time, or attempts without a result in time, whose outcome is unknown; and their
 * workers.
 */
export async function listExpired(
  db: Queryable,
  state: 'claimed' | 'sending',
  limit: number,
): Promise<ExpiredClaim[]> {
  const { rows } = await db.query<ExpiredClaim>({
    name: `list-expired-${state}`,
    text: `
      with lapsed as materialized (
        select tenant_id, message_id, epoch from outbox
        where phase = 'held' and state = $1::text and lease_until < now()
        order by lease_until limit $2
      ), in_hand as materialized (
        select e.epoch, array_agg(distinct c.worker) as workers
        from claim_in_hand c cross join unnest(c.epochs) e (epoch)
        where exists (select from lapsed) and c.worker is not null and c.epochs && array(select epoch from lapsed)
        group by e.epoch
      )
      select tenant_id as "tenantId", message_id as "messageId", epoch, coalesce(workers, '{}') as workers
      from lapsed left join in_hand using (epoch)`,
    values: [state, limit],
  })
  return rows
}
