import type { Queryable } from '@lettergate/db/pool'
import { POOL_TENANT_ID } from '../../lib/index.ts'

/** State of a message in the backlog and of its connection. */
export type ExplainRow = {
  state: 'waiting' | 'ready' | 'claimed' | 'sending'
  due_at: Date
  /** When the tries that count began. */
  first_due_at: Date
  /** Hours after which the tenant's messages are given up. */
  retry_hours: number
  /** Workers that were lost over it. */
  lost_workers: number
  /** The tenant of the pool stands for its connections. */
  wait_for: string | null
  wait_why: string | null
  /** Since when a person holds it; null: nobody does. */
  held_at: Date | null
  /** Messages of this tenant that are served before it; counted up to 10,000. */
  ahead: number
  health: {
    state: 'closed' | 'open' | 'half-open'
    code: string | null
    reason: string | null
    pause_reason: string | null
  } | null
}

/** Null: nothing is left to do for it. */
export async function readExplain(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<ExplainRow | null> {
  const { rows } = await db.query<ExplainRow>({
    name: 'read-explain',
    text: `
      select o.state, o.due_at, o.first_due_at, t.retry_hours, o.lost_workers, o.wait_why,
             case when o.wait_for is null or exists (select from connection c where c.tenant_id = $1 and c.id = o.wait_for) then o.wait_for
                  else '${POOL_TENANT_ID}'::uuid end as wait_for, o.held_at,
             (select count(*) from (
                select from outbox b where o.state = 'ready' and b.phase = 'ready' and b.tenant_id between $1 and $1
                  and (b.is_bulk, b.message_id) < (o.is_bulk, o.message_id)
                limit 10000) a)::int4 as ahead,
             (select json_build_object('state', h.state, 'code', h.code, 'reason', h.reason, 'pause_reason', h.pause_reason)
              from connection_health h where h.tenant_id = $1 and h.connection_id = o.wait_for) as health
      from outbox o join tenant t on t.id = o.tenant_id where o.tenant_id = $1 and o.message_id = $2`,
    values: [message.tenantId, message.id],
  })
  return rows[0] ?? null
}
