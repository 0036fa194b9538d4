import type { Queryable } from '@lettergate/db/pool'

/** The tenant after this one; null: it was the last. */
export async function nextTenant(db: Queryable, after: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: 'next-tenant',
    text: 'select id from tenant where id > $1::uuid order by id limit 1',
    values: [after],
  })
  return rows[0]?.id ?? null
}
