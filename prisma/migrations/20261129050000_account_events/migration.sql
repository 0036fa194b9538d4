-- Partitions are made for every partitioned table, so that a new one needs no new function; events that are about no message.

-- Bounds go by the type of the key: a UUIDv7 has its day in it, everything else is a time.
create function ensure_partitions_of(parent text, first date, last date) returns integer language plpgsql as $$
declare
  is_by_id boolean;
  day date;
  lowest text;
  highest text;
  created integer := 0;
begin
  select a.atttypid = 'uuid'::regtype into strict is_by_id
  from pg_partitioned_table p
  join pg_class c on c.oid = p.partrelid
  join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
  where c.relnamespace = current_schema()::regnamespace and c.relname = parent;
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  if to_regclass(parent || '_default') is null then
    execute format('create table %I partition of %I default', parent || '_default', parent);
    execute format('alter table %I enable row level security', parent || '_default');
  end if;
  for day in select generate_series(first, last, interval '1 day')::date loop
    continue when to_regclass(parent || to_char(day, '_YYYYMMDD')) is not null;
    begin
      if is_by_id then
        lowest := uuid_at_day(day);
        highest := uuid_at_day(day + 1);
      else
        lowest := day::timestamp at time zone 'utc';
        highest := (day + 1)::timestamp at time zone 'utc';
      end if;
      execute format('create table %I partition of %I for values from (%L) to (%L)',
        parent || to_char(day, '_YYYYMMDD'), parent, lowest, highest);
      execute format('alter table %I enable row level security', parent || to_char(day, '_YYYYMMDD'));
      if parent = 'recipient' then
        execute format('alter table %I set (fillfactor = 80)', parent || to_char(day, '_YYYYMMDD'));
      end if;
      created := created + 1;
    exception when check_violation then
      raise warning 'partition % of % not created: the default partition holds rows of that day', day, parent;
    end;
  end loop;
  return created;
end
$$;

create function partitioned_tables() returns setof text language sql stable as $$
  select c.relname::text from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
  where c.relnamespace = current_schema()::regnamespace order by 1
$$;

-- For migrations. A running installation makes those of one table after another (`ensure_partitions_of`), each in a transaction of its own:
-- making one locks the default partition of its table, and a statement that reads two tables must not meet two such locks.
create or replace function ensure_partitions(first date, last date) returns integer language sql as $$
  select coalesce(sum(ensure_partitions_of(parent, first, last)), 0)::int4 from partitioned_tables() as parent
$$;

-- As drop_feed_partitions, for each table whose days are those of a time; its key column tells the rows outside of all days.
create function drop_day_partitions(parent text, first_kept date) returns integer language plpgsql as $$
declare
  key text;
  name text;
  dropped integer := 0;
begin
  select a.attname into key
  from pg_partitioned_table p
  join pg_class c on c.oid = p.partrelid
  join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
  where c.relnamespace = current_schema()::regnamespace and c.relname = parent and a.atttypid = 'timestamptz'::regtype;
  if key is null then raise exception '% is not partitioned by time', parent; end if;
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  perform set_config('lock_timeout', '200ms', true);
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = to_regclass(parent) and c.relname ~ ('^' || parent || '_[0-9]{8}$')
      and c.relname < parent || to_char(first_kept, '_YYYYMMDD')
    order by 1
  loop
    execute format('drop table %I', name);
    dropped := dropped + 1;
  end loop;
  execute format('delete from %I where %I < $1', parent || '_default', key) using first_kept::timestamp at time zone 'utc';
  return dropped;
exception when lock_not_available or deadlock_detected then
  return 0;
end
$$;
do $$
begin
  execute format('alter function ensure_partitions(date, date) security definer set search_path = %I, pg_temp', current_schema());
  execute format('alter function ensure_partitions_of(text, date, date) security definer set search_path = %I, pg_temp', current_schema());
  execute format('alter function drop_day_partitions(text, date) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
revoke execute on function drop_day_partitions(text, date), ensure_partitions_of(text, date, date) from public;
grant execute on function drop_day_partitions(text, date), ensure_partitions_of(text, date, date) to lettergate_batch;

-- An event of the tenant's account, such as an endpoint that was disabled: its feed row has no message.
alter table feed alter column message_id drop not null;
create table account_event (
  tenant_id uuid not null,
  seq bigint not null,
  at timestamptz not null default now(),
  type text not null,
  data json not null,
  primary key (tenant_id, seq)
);
alter table account_event enable row level security;
create policy own_rows on account_event to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on account_event to lettergate_batch using (true) with check (true);
grant select, insert on account_event to lettergate_tenant, lettergate_batch;

-- For readers of all tenants: who has news.
grant select on feed to lettergate_batch;
