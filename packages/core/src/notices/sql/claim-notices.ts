import type { EventData } from '@lettergate/contracts/messages/event-data'
import type { Queryable } from '@lettergate/db/pool'
import type { NoticedType } from '../../lib/index.ts'

export type DueNotice = {
  tenantId: string
  tenantName: string
  /** Null: the tenant wants none. */
  to: string | null
  seq: number
  type: NoticedType
  data: EventData
  at: Date
  /** Notices of the tenant in the last 24 hours. */
  given: number
}

/** Claims notices that are due, for ten minutes: a worker that dies, and a notice that was not accepted, are followed by another attempt. */
export async function claimNotices(db: Queryable, limit: number): Promise<DueNotice[]> {
  const { rows } = await db.query<DueNotice>({
    name: 'claim-notices',
    text: `
      with due as materialized (
        select tenant_id, seq from account_event where notice_due_at <= now()
        order by notice_due_at, tenant_id, seq limit $1 for update skip locked
      ), claimed as (
        update account_event e set notice_due_at = now() + interval '10 minutes' from due d
        where e.tenant_id = d.tenant_id and e.seq = d.seq
        returning e.*
      )
      select c.tenant_id as "tenantId", t.name as "tenantName", t.notices_to as "to", c.seq, c.type, c.data, c.at,
             (select count(*)::int4 from account_event a where a.tenant_id = c.tenant_id and a.noticed_at > now() - interval '1 day') as given
      from claimed c join tenant t on t.id = c.tenant_id
      order by c.tenant_id, c.seq`,
    values: [limit],
  })
  return rows
}
