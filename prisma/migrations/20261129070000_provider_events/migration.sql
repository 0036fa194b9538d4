-- Provider events: where they come in, the requests as they came, and the work that is left to do with them.

-- Where the provider of a connection sends its events. Everything secret is in `sealed_secrets`: tokens of the URL, passwords, and what
-- verifies signatures, each with the time until which it is good.
create table hook (
  tenant_id uuid not null,
  connection_id uuid not null,
  provider text not null,
  sealed_secrets bytea not null,
  data_key_version integer not null,
  registration json,
  registered_at timestamptz,
  -- [{registration, until}]: webhooks of before a rotation, which the provider still uses until then.
  old_registrations json,
  retire_at timestamptz,
  version integer not null default 1,
  last_event_at timestamptz,
  refused bigint not null default 0,
  last_refused_at timestamptz,
  last_refusal text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, connection_id),
  foreign key (tenant_id, connection_id) references connection (tenant_id, id) on delete cascade,
  foreign key (tenant_id, data_key_version) references data_key (tenant_id, version)
) with (fillfactor = 50);
-- The URL names the connection and not its tenant.
create unique index hook_connection on hook (connection_id);
create index hook_retire on hook (retire_at) where retire_at is not null;

-- Requests of providers after their signature or password was checked, byte for byte, for 30 days. `headers` has none that is a secret.
create sequence provider_event_seq as bigint;
create table provider_event (
  id bigint not null default nextval('provider_event_seq'),
  received_at timestamptz not null default clock_timestamp(),
  tenant_id uuid not null,
  connection_id uuid not null,
  provider text not null,
  headers json not null,
  body bytea not null,
  primary key (received_at, id)
) partition by range (received_at);
do $$
begin
  execute 'alter table provider_event alter column body set compression lz4';
exception when feature_not_supported then
  raise notice 'this Postgres was built without lz4: bodies of provider events are compressed by pglz';
end
$$;

-- Those that are still to be applied: narrow, and gone soon.
create table provider_event_due (
  id bigint primary key,
  received_at timestamptz not null,
  tenant_id uuid not null,
  due_at timestamptz not null default now(),
  tries smallint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index provider_event_due_at on provider_event_due (due_at);

-- Batches: requests to be kept, and what happened at URLs.
create type provider_event_row as (tenant_id uuid, connection_id uuid, provider text, headers json, body bytea);
create type hook_visit as (
  connection_id uuid, last_event_at timestamptz, refused int4, last_refused_at timestamptz, last_refusal text);

select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 8);

do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['hook', 'provider_event', 'provider_event_due'] loop
    execute format('alter table %I enable row level security', target);
    execute format('create policy own_rows on %I to lettergate_tenant using (tenant_id = %s) with check (tenant_id = %s)',
      target, own_rows, own_rows);
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
end
$$;
grant select, insert, update, delete on hook to lettergate_tenant;
grant select, insert on provider_event, provider_event_due to lettergate_tenant;
-- Never secrets: a hook is found by its connection, and what happened at its URL is counted.
grant select (tenant_id, connection_id, provider, version, retire_at, last_event_at, refused, last_refused_at, last_refusal),
  update (last_event_at, refused, last_refused_at, last_refusal, retire_at) on hook to lettergate_batch;
grant select, insert on provider_event to lettergate_batch;
grant select, insert, update, delete on provider_event_due to lettergate_batch;
grant usage on sequence provider_event_seq to lettergate_tenant, lettergate_batch;
