import type { Queryable } from '../src/pool.ts'

/** Partitions are made by day, and the ledger by the tool that migrates. */
const OURS = `
  select c.oid, c.relname, c.relkind, c.relacl, c.reloptions, c.relrowsecurity, c.relpersistence from pg_class c
  where c.relnamespace = 'public'::regnamespace and not c.relispartition and c.relname not like '\\_prisma\\_%'`

/** Everything that a migration can make, one line each, in any order of creation. */
const text = `
with ours as (${OURS})
select 'table ' || relname || ' ' || relkind::text || relpersistence::text || ' rls=' || relrowsecurity || ' ' || coalesce(reloptions::text, '')
       || ' ' || coalesce(array(select a::text from unnest(relacl) a order by 1)::text, '') as line
from ours where relkind in ('r', 'p', 'S')
union all
select 'column ' || o.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' notnull=' || a.attnotnull
       || ' generated=' || a.attgenerated::text || ' compression=' || a.attcompression::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
       || ' ' || coalesce(array(select x::text from unnest(a.attacl) x order by 1)::text, '')
from ours o join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = o.oid and d.adnum = a.attnum
where o.relkind in ('r', 'p')
union all
select 'type ' || o.relname || ' ' || string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
from ours o join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 where o.relkind = 'c' group by o.relname
union all
select 'constraint ' || o.relname || ' ' || c.conname || ' ' || pg_get_constraintdef(c.oid)
from ours o join pg_constraint c on c.conrelid = o.oid where c.contype <> 'n'
union all
select 'index ' || pg_get_indexdef(i.indexrelid) from ours o join pg_index i on i.indrelid = o.oid
union all
select 'policy ' || o.relname || ' ' || p.polname || ' ' || p.polcmd::text || ' ' || p.polroles::regrole[]::text || ' '
       || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
from ours o join pg_policy p on p.polrelid = o.oid
union all
select 'trigger ' || pg_get_triggerdef(t.oid) from ours o join pg_trigger t on t.tgrelid = o.oid where not t.tgisinternal
union all
select 'function ' || pg_get_functiondef(p.oid) || ' ' || coalesce(array(select x::text from unnest(p.proacl) x order by 1)::text, '')
from pg_proc p where p.pronamespace = 'public'::regnamespace
order by 1`

/** A description of the schema to compare two databases by. */
export async function describeCatalogue(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ line: string }>({ text })
  return rows.map(({ line }) => line)
}
