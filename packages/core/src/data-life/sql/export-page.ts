import type { Queryable } from '@lettergate/db/pool'

/** One page of a table as lines of JSON; `next`: where the next one begins, null after the last. */
export async function readDataPage(
  db: Queryable,
  of: { tenantId: string; table: string; after: string[] | null; withBytes: boolean },
  page: number,
): Promise<{ lines: string[]; next: string[] | null }> {
  const { rows } = await db.query<{ lines: string[]; next: string[] | null }>({
    name: 'read-data-page',
    text: 'select lines, next from export_page($1, $2, $3, $4, $5)',
    values: [of.tenantId, of.table, of.after, page, of.withBytes],
  })
  return rows[0] ?? { lines: [], next: null }
}

/** The tenant's own settings, as one line of JSON. */
export async function readTenantRow(db: Queryable, tenantId: string): Promise<string> {
  const { rows } = await db.query<{ line: string }>({
    name: 'read-tenant-row',
    text: 'select export_tenant($1) as line',
    values: [tenantId],
  })
  return rows[0]?.line ?? '{}'
}
