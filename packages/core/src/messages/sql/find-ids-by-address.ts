import type { Queryable } from '@lettergate/db/pool'
import type { ListWindow } from './find-ids-by-id.ts'

/** The newest messages of a tenant to one address; by its index, so a rare address is found as fast as a common one. */
export async function listIdsByAddress(
  db: Queryable,
  window: ListWindow,
  address: string,
): Promise<string[]> {
  const { rows } = await db.query<{ message_id: string }>({
    name: 'list-by-address',
    text: `
      select message_id from recipient
      where tenant_id = $1 and address = $5 and message_id >= $2 and message_id < $3
      order by message_id desc limit $4`,
    values: [window.tenantId, window.from, window.before, window.limit, address],
  })
  return rows.map((row) => row.message_id)
}
