import type { Queryable } from '@lettergate/db/pool'

/** Which of these connections belong to the shared pool. */
export async function whichOfPool(
  db: Queryable,
  connectionIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (connectionIds.length === 0) return new Set()
  const { rows } = await db.query<{ id: string }>({
    name: 'which-of-pool',
    text: 'select id from which_of_pool($1) as id',
    values: [connectionIds],
  })
  return new Set(rows.map(({ id }) => id))
}
