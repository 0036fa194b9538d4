import type { PoolClient } from './pool.ts'

/** The migrations that the baseline replaces; all but the last must have been applied. */
const BEFORE_BASELINE = [
  '0001_main_job.sql',
  '0002_whole_documents.sql',
  '0003_row_level_security.sql',
  '0004_batches_of_rows.sql',
  '0005_routes.sql',
  '0006_pace.sql',
  '0007_connections.sql',
  '0008_fences_and_waits.sql',
  '0009_limits.sql',
  '0011_mended_connections.sql',
  '0013_connections_in_use.sql',
] as const
const OPTIONAL = '0014_lost_workers.sql'

/** The difference to the baseline, whether or not 0014 was applied: a test compares the two. */
const TO_BASELINE = `
alter table outbox add column if not exists lost_workers int2 not null default 0;
create index if not exists outbox_lost_workers on outbox (lost_workers) where lost_workers > 0;
create unlogged table if not exists claim_in_hand (
  at timestamptz not null default now(),
  epochs int8[] not null
) with (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
grant select, insert, delete on claim_in_hand to lettergate_batch;
grant select (tenant_id, message_id, position, type) on event to lettergate_batch;

create function set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end
$$;
create function set_credentials_rotated_at() returns trigger language plpgsql as $$
begin
  new.credentials_rotated_at := now();
  return new;
end
$$;
create trigger set_updated_at before update on route for each row execute function set_updated_at();
create trigger set_updated_at before update of name, priority, settings, limits, enabled, credentials_rotated_at on connection
  for each row execute function set_updated_at();
create trigger set_credentials_rotated_at before update of credentials_rotated_at on connection
  for each row execute function set_credentials_rotated_at();

drop function reserve_pace(pace_order);
drop type pace_order, claim_fence, claim_outcome, claim_outcome_2;
alter table connection_health drop column day, drop column day_used;
drop table schema_migration;
`

/**
 * Brings a database of before the baseline to it; false if there is none. Nothing was released before the baseline, so it is enough that
 * the processes of the version before are stopped meanwhile.
 */
export async function adoptOldLedger(client: PoolClient): Promise<boolean> {
  const { rows: found } = await client.query<{ is_there: boolean }>({
    text: `select to_regclass('schema_migration') is not null as is_there`,
  })
  if (!found[0]?.is_there) return false
  const { rows } = await client.query<{ name: string }>({ text: 'select name from schema_migration' })
  const names = new Set(rows.map(({ name }) => name))
  const missing = BEFORE_BASELINE.filter((name) => !names.has(name))
  const known = new Set<string>([...BEFORE_BASELINE, OPTIONAL])
  const unknown = [...names].filter((name) => !known.has(name))
  if (missing.length > 0 || unknown.length > 0)
    throw new Error(
      `this database is of an unknown version between releases (missing: ${missing.join(', ') || 'none'}; ` +
        `unknown: ${unknown.join(', ') || 'none'}): migrate it with the version that it belongs to`,
    )
  await client.query(TO_BASELINE)
  return true
}
