-- Callbacks: the URLs of tenants, how far each has been served, and every attempt.

create table endpoint (
  tenant_id uuid not null references tenant on delete cascade,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  url text not null,
  description text not null default '',
  types text[],
  tags text[],
  streams text[],
  format text not null default 'standard',
  max_events integer not null default 1,
  max_wait_ms integer not null default 0,
  sealed_secrets bytea not null,
  data_key_version integer not null,
  enabled boolean not null default true,
  disabled_reason text,
  disabled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, data_key_version) references data_key (tenant_id, version)
);

-- The secret of callbacks to a message's own URL, one for each mode.
create table default_secret (
  tenant_id uuid not null references tenant on delete cascade,
  mode text not null check (mode in ('live', 'test')),
  id uuid not null,
  sealed_secrets bytea not null,
  data_key_version integer not null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, mode),
  foreign key (tenant_id, data_key_version) references data_key (tenant_id, version)
);

-- How far an endpoint has been served, and who serves it. `id` is that of the endpoint, or of the default secret: then `endpoint_id` is
-- null, and it stands for the messages' own URLs of the tenant.
create table endpoint_state (
  id uuid primary key,
  tenant_id uuid not null,
  mode text not null,
  endpoint_id uuid,
  cursor text not null,
  epoch bigint not null default 0,
  lease_until timestamptz,
  paused_until timestamptz,
  failures smallint not null default 0,
  failing_since timestamptz,
  last_success_at timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
create index endpoint_state_tenant on endpoint_state (tenant_id);

-- Deliveries that are not simply the next of an endpoint: failed, replayed, or to a message's own URL. `url` only for the latter. `target` is
-- the endpoint, or a hash of tenant and host of the URL: those that share it share their concurrency. The event is as in its feed row, but
-- `seq` is 0 for an acceptance, as among the events of its message.
create table delivery (
  id uuid primary key,
  tenant_id uuid not null,
  mode text not null,
  endpoint_id uuid,
  url text,
  target uuid not null,
  message_id uuid,
  seq bigint not null,
  type smallint not null,
  connection_id uuid,
  is_bulk boolean not null,
  state text not null check (state in ('waiting', 'claimed')),
  due_at timestamptz not null default now(),
  attempts smallint not null default 0,
  epoch bigint not null default 0,
  lease_until timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index delivery_endpoint on delivery (tenant_id, endpoint_id, seq);
create index delivery_due on delivery (tenant_id, target, due_at) where state = 'waiting';
create index delivery_claimed on delivery (lease_until) where state = 'claimed';

-- Every attempt at a callback, for people to read, for replays, and for a worker that takes over. Dropped by day.
create table delivery_try (
  tenant_id uuid not null,
  mode text not null,
  endpoint_id uuid,
  message_id uuid,
  seq bigint not null,
  type smallint not null,
  at timestamptz not null default clock_timestamp(),
  number smallint not null,
  status smallint,
  ms integer not null,
  error text,
  answer text
) partition by range (at);
create index delivery_try_endpoint on delivery_try (tenant_id, endpoint_id, at);
create index delivery_try_event on delivery_try (tenant_id, endpoint_id, seq);

select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 8);

do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['endpoint', 'default_secret', 'endpoint_state', 'delivery', 'delivery_try'] loop
    execute format('alter table %I enable row level security', target);
    execute format('create policy own_rows on %I to lettergate_tenant using (tenant_id = %s) with check (tenant_id = %s)',
      target, own_rows, own_rows);
  end loop;
  foreach target in array array['endpoint', 'endpoint_state', 'delivery', 'delivery_try'] loop
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
end
$$;
grant select, insert, update, delete on endpoint, endpoint_state, delivery to lettergate_tenant;
grant select, insert, update on default_secret to lettergate_tenant;
grant select, insert on delivery_try to lettergate_tenant;
grant select (tenant_id, id, mode, enabled) on endpoint to lettergate_batch;
grant select, insert, update, delete on endpoint_state, delivery to lettergate_batch;
grant select, insert on delivery_try to lettergate_batch;
