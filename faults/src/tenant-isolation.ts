import type { Queryable } from '@lettergate/db/pool'

/** Breaches of tenant isolation, from the catalogue of Postgres. Every list should be empty. */
export type Breaches = {
  /** Roles that policies do not bind, or that own a table. */
  unboundRoles: string[]
  /** Tables with tenants' rows, partitions included, without row-level security. */
  openTables: string[]
  /** Policies of the tenant role that judge what is read but not what is written. */
  readOnlyPolicies: string[]
  /** Partitions that a role may name directly, past the policies of their parent. */
  reachablePartitions: string[]
}

/** Every table with tenants' rows: known by its column, so that a new one cannot be forgotten. */
const TENANT_TABLES = `
  select c.oid, c.relname, c.relispartition, c.relrowsecurity, c.relowner from pg_class c
  where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
    and (c.relname = 'tenant' or exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))`

const ROLES = `('lettergate_tenant', 'lettergate_batch', 'lettergate_operator')`

const QUERIES: Record<keyof Breaches, string> = {
  unboundRoles: `
    select r.rolname as name from pg_roles r
    where r.rolname in ${ROLES} and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolcanlogin
      or exists (select from pg_class c where c.relowner = r.oid))
    union all
    select w.name from (values ('lettergate_tenant'), ('lettergate_batch'), ('lettergate_operator')) w(name)
    where not exists (select from pg_roles r where r.rolname = w.name)`,
  openTables: `select relname as name from (${TENANT_TABLES}) t where not relrowsecurity`,
  readOnlyPolicies: `
    select polrelid::regclass::text as name from pg_policy
    where polcmd <> 'r' and (polwithcheck is null or polqual is null)`,
  reachablePartitions: `
    select relname || ' ' || role as name from (${TENANT_TABLES}) t,
      unnest(array['lettergate_tenant', 'lettergate_batch', 'lettergate_operator']) role
    where t.relispartition and has_table_privilege(role, t.oid, 'select, insert, update, delete, truncate')`,
}

async function names(db: Queryable, text: string): Promise<string[]> {
  return (await db.query<{ name: string }>({ text })).rows.map((row) => row.name)
}

/** Looks for breaches in the catalogue of the database. */
export async function findBreaches(db: Queryable): Promise<Breaches> {
  return {
    unboundRoles: await names(db, QUERIES.unboundRoles),
    openTables: await names(db, QUERIES.openTables),
    readOnlyPolicies: await names(db, QUERIES.readOnlyPolicies),
    reachablePartitions: await names(db, QUERIES.reachablePartitions),
  }
}

/** The tables with tenants' rows that a role may read, partitions apart. */
export function readableTables(db: Queryable, role: string): Promise<string[]> {
  return names(
    db,
    `select relname as name from (${TENANT_TABLES}) t
     where not relispartition and has_any_column_privilege('${role}', oid, 'select') order by 1`,
  )
}

/** The tenants whose rows a statement without any condition gets from a table. */
export async function tenantsSeen(db: Queryable, table: string): Promise<string[]> {
  const column = table === 'tenant' ? 'id' : 'tenant_id'
  return names(db, `select distinct ${column} as name from ${table}`)
}
