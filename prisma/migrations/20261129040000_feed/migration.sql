-- The change feed: one narrow row for each event, written by the statement that writes the event, in partitions by the day of writing.
-- docs/decisions/0018-a-feed-read-by-snapshots.md. Events that the version before writes meanwhile are not in it.

-- Added to the number of a transaction. Raise it above max(pos) when the rows are restored into another cluster, whose numbers start again.
create function feed_base() returns bigint language sql immutable as $$ select 0::bigint $$;

-- The number is a bigint, because xid8 has no BRIN class. `at` is not now(): it must not lie before the number was drawn.
create table feed (
  tenant_id uuid not null,
  message_id uuid not null,
  connection_id uuid,
  pos bigint not null default pg_current_xact_id()::text::bigint + feed_base(),
  seq bigint not null,
  at timestamptz not null default clock_timestamp(),
  type smallint not null,
  is_bulk boolean not null,
  mode text not null
) partition by range (at);
create index feed_reader on feed (tenant_id, mode, pos, seq);
-- For readers of all tenants.
create index feed_pos on feed using brin (pos) with (pages_per_range = 16, autosummarize = on);

-- As before, and for the feed, whose days are those of writing.
create or replace function ensure_partitions(first date, last date) returns integer language plpgsql as $$
declare
  parent text;
  day date;
  lowest text;
  highest text;
  created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  foreach parent in array array['message', 'message_content', 'message_raw_chunk', 'attachment', 'attachment_chunk', 'recipient',
                                'attempt', 'event', 'feed'] loop
    if to_regclass(parent || '_default') is null then
      execute format('create table %I partition of %I default', parent || '_default', parent);
      execute format('alter table %I enable row level security', parent || '_default');
    end if;
    for day in select generate_series(first, last, interval '1 day')::date loop
      continue when to_regclass(parent || to_char(day, '_YYYYMMDD')) is not null;
      begin
        if parent = 'feed' then
          lowest := day::timestamp at time zone 'utc';
          highest := (day + 1)::timestamp at time zone 'utc';
        else
          lowest := uuid_at_day(day);
          highest := uuid_at_day(day + 1);
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
  end loop;
  return created;
end
$$;
do $$
begin
  execute format('alter function ensure_partitions(date, date) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 8);

-- Drops the days of the feed before this one; answers how many. A day that somebody reads is left for the next time, so that writers do not
-- wait behind this. Rows outside of all days come from a clock that was wrong.
create function drop_feed_partitions(first_kept date) returns integer language plpgsql as $$
declare
  name text;
  dropped integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  perform set_config('lock_timeout', '200ms', true);
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'feed'::regclass and c.relname ~ '^feed_[0-9]{8}$' and c.relname < 'feed_' || to_char(first_kept, 'YYYYMMDD')
    order by 1
  loop
    execute format('drop table %I', name);
    dropped := dropped + 1;
  end loop;
  delete from feed_default where at < first_kept::timestamp at time zone 'utc';
  return dropped;
exception when lock_not_available or deadlock_detected then
  return 0;
end
$$;
do $$
begin
  execute format('alter function drop_feed_partitions(date) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
revoke execute on function drop_feed_partitions(date) from public;
grant execute on function drop_feed_partitions(date) to lettergate_batch;

alter table feed enable row level security;
create policy own_rows on feed to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on feed to lettergate_batch using (true) with check (true);
grant select, insert on feed to lettergate_tenant;
grant insert on feed to lettergate_batch;

-- As claim_change, with what the feed shows of each event.
create type recipient_change as (
  tenant_id uuid, message_id uuid, position int2, status text, reason text, event text, data json, mode text, stream text,
  connection_id uuid);

do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table event in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
-- A hash of what a provider calls its event: the same event, told twice, is written once. Null: an event of our own.
alter table event add column source bigint;
create unique index event_source on event (tenant_id, message_id, source) where source is not null;
