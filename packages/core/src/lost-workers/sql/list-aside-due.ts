import type { Queryable } from '@lettergate/db/pool'
import { LOST_WORKERS_MAX } from './lost-workers.ts'

/** Messages that were set aside and whose retry limit is over. */
export async function listAsideDue(
  db: Queryable,
  limit: number,
): Promise<{ tenantId: string; messageId: string; retryHours: number }[]> {
  const { rows } = await db.query<{ tenantId: string; messageId: string; retryHours: number }>({
    name: 'list-aside-due',
    text: `
      select o.tenant_id as "tenantId", o.message_id as "messageId", t.retry_hours as "retryHours"
      from outbox o join tenant t on t.id = o.tenant_id
      where o.lost_workers > 0 and o.lost_workers >= $2::int4 and o.state = 'ready' limit $1`,
    values: [limit, LOST_WORKERS_MAX],
  })
  return rows
}
