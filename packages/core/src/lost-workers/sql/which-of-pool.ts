import type { Queryable } from '@lettergate/db/pool'
import { POOL_TENANT_ID } from '../../lib/index.ts'

/** Which of these connections belong to the shared pool. */
export async function whichOfPool(
  db: Queryable,
  connectionIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (connectionIds.length === 0) return new Set()
  const { rows } = await db.query<{ id: string }>({
    name: 'which-of-pool',
    text: 'select id from connection where tenant_id = $1 and id = any ($2)',
    values: [POOL_TENANT_ID, connectionIds],
  })
  return new Set(rows.map(({ id }) => id))
}
