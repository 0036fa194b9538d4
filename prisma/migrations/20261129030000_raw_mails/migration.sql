-- A mail that its client wrote is kept as it came, beside what was read of it. JSON has no place for every byte, hence bytea.
create table message_raw_chunk (
  tenant_id uuid not null,
  message_id uuid not null,
  chunk smallint not null,
  content bytea not null,
  primary key (tenant_id, message_id, chunk)
) partition by range (message_id);

do $$
begin
  execute 'alter table message_raw_chunk alter column content set compression lz4';
exception when feature_not_supported then
  raise notice 'this Postgres was built without lz4: raw mails are compressed by pglz';
end
$$;

alter table message_raw_chunk enable row level security;
create policy own_rows on message_raw_chunk to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on message_raw_chunk to lettergate_batch using (true) with check (true);
grant select on message_raw_chunk to lettergate_tenant;
grant insert on message_raw_chunk to lettergate_batch;

create type accept_raw as (message_id uuid, content bytea);

create or replace function ensure_partitions(first date, last date) returns integer language plpgsql as $$
declare
  parent text;
  day date;
  created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  foreach parent in array array['message', 'message_content', 'message_raw_chunk', 'attachment', 'attachment_chunk', 'recipient',
                                'attempt', 'event'] loop
    if to_regclass(parent || '_default') is null then
      execute format('create table %I partition of %I default', parent || '_default', parent);
      execute format('alter table %I enable row level security', parent || '_default');
    end if;
    for day in select generate_series(first, last, interval '1 day')::date loop
      continue when to_regclass(parent || to_char(day, '_YYYYMMDD')) is not null;
      begin
        execute format('create table %I partition of %I for values from (%L) to (%L)',
          parent || to_char(day, '_YYYYMMDD'), parent, uuid_at_day(day), uuid_at_day(day + 1));
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
