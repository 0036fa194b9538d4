import type { Queryable } from '@lettergate/db/pool'

/** Every column of every table whose text, JSON or bytes contain this text, in any case, with the number of such rows. */
export async function findEverywhere(db: Queryable, text: string): Promise<string[]> {
  const columns = await db.query<{ table: string; column: string; bytes: boolean }>({
    text: `
      select c.relname as table, a.attname as column, a.atttypid = 'bytea'::regtype as bytes
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not like '\\_prisma%'
        and a.atttypid = any (array['text', 'varchar', 'json', 'jsonb', 'bytea', 'text[]', 'name']::regtype[])
      order by 1, 2`,
  })
  const found: string[] = []
  for (const { table, column, bytes } of columns.rows) {
    const shown = bytes ? `encode("${column}", 'escape')` : `"${column}"::text`
    const { rows } = await db.query<{ n: number }>({
      text: `select count(*)::int4 as n from "${table}" where strpos(lower(${shown}), lower($1)) > 0`,
      values: [text],
    })
    if ((rows[0]?.n ?? 0) > 0) found.push(`${table}.${column}: ${rows[0]?.n}`)
  }
  return found
}

/** Every table with a row of this tenant, by its `tenant_id`. */
export async function findTenantRows(db: Queryable, tenantId: string): Promise<Record<string, number>> {
  const tables = await db.query<{ table: string }>({
    text: `
      select c.relname as table from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
      where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace order by 1`,
  })
  const found: Record<string, number> = {}
  for (const { table } of tables.rows) {
    const { rows } = await db.query<{ n: number }>({
      text: `select count(*)::int4 as n from "${table}" where tenant_id = $1`,
      values: [tenantId],
    })
    if ((rows[0]?.n ?? 0) > 0) found[table] = rows[0]?.n ?? 0
  }
  return found
}
