import type { Queryable } from '@lettergate/db/pool'
import type { ListWindow } from './find-ids-by-id.ts'

/** Statuses that the partial index of rare ones does not hold. */
export const DENSE_STATUSES: ReadonlySet<string> = new Set(['scheduled', 'queued', 'sent', 'delivered'])

/** The newest messages of a tenant with a recipient in one of the rare statuses; an id may come more than once. */
export async function listIdsByRareStatus(
  db: Queryable,
  window: ListWindow,
  status: string,
): Promise<string[]> {
  if (DENSE_STATUSES.has(status)) throw new Error(`${status} is not in the index of rare statuses`)
  const { rows } = await db.query<{ message_id: string }>({
    name: 'list-by-status',
    text: `
      select message_id from recipient
      where tenant_id = $1 and rare_status = $5 and message_id >= $2 and message_id < $3
      order by message_id desc limit $4`,
    values: [window.tenantId, window.from, window.before, window.limit, status],
  })
  return rows.map((row) => row.message_id)
}
