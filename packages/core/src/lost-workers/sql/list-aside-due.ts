import type { Queryable } from '@lettergate/db/pool'
import { LOST_WORKERS_MAX } from './lost-workers.ts'

/** Messages that were set aside and whose time is over. */
export async function listAsideDue(
  db: Queryable,
  limit: number,
): Promise<{ tenantId: string; messageId: string }[]> {
  const { rows } = await db.query<{ tenant_id: string; message_id: string }>({
    name: 'list-aside-due',
    text: `
      select tenant_id, message_id from outbox
      where lost_workers > 0 and lost_workers >= $2::int4 and state = 'ready' limit $1`,
    values: [limit, LOST_WORKERS_MAX],
  })
  return rows.map((row) => ({ tenantId: row.tenant_id, messageId: row.message_id }))
}
