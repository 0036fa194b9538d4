import type { Queryable } from '@lettergate/db/pool'

/** Ids from `from` (included) up to `before` (not included), newest first. */
export type ListWindow = { tenantId: string; from: string; before: string; limit: number }

/** The newest messages of a tenant within the window. */
export async function listIds(db: Queryable, window: ListWindow): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'list-by-id',
    text: `
      select id from message
      where tenant_id = $1 and id >= $2 and id < $3
      order by id desc limit $4`,
    values: [window.tenantId, window.from, window.before, window.limit],
  })
  return rows.map((row) => row.id)
}
