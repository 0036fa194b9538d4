-- Pace: how fast each connection may be used, shared by all workers. One small row for each connection that is in use; a row that
-- vanishes is made anew by whoever uses the connection next.
create table connection_health (
  tenant_id uuid not null,
  connection_id uuid not null,
  -- The circuit: open, nothing is sent; half-open, one probe at a time.
  state text not null default 'closed' check (state in ('closed', 'open', 'half-open')),
  since timestamptz not null default now(),
  -- The failure that opened it.
  code text,
  reason text,
  -- How often it opened since it was closed last: each time it stays open for twice as long.
  opened integer not null default 0,
  retry_at timestamptz,
  -- Whoever probes has it until then.
  probe_until timestamptz,
  paused_until timestamptz,
  pause_reason text,
  -- Calls at once that it bears, over all workers.
  concurrency float8 not null default 64,
  halved_at timestamptz,
  -- Worker → when it last used it, in seconds: the concurrency is divided by their number.
  workers jsonb not null default '{}',
  -- When the next recipient may go out at `rate` a second (GCRA).
  rate float8,
  next_at timestamptz,
  -- Recipients handed over on that UTC day.
  day date,
  day_used integer not null default 0,
  -- What its provider said it may send, and when one worker went to ask.
  told json,
  asked_at timestamptz,
  primary key (tenant_id, connection_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- Told to the tenant: its connection stopped working, or works again. The table `event` is about messages.
create table connection_event (
  tenant_id uuid not null,
  seq bigint not null default nextval('event_seq'),
  connection_id uuid not null,
  type text not null,
  code text,
  reason text,
  at timestamptz not null default now(),
  primary key (tenant_id, connection_id, seq)
);

do $$
declare
  target text;
begin
  foreach target in array array['connection_health', 'connection_event'] loop
    execute format('alter table %I enable row level security', target);
    execute format($policy$create policy own_rows on %I to lettergate_tenant
      using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
      with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)$policy$, target);
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
end
$$;
grant select, delete on connection_health, connection_event to lettergate_tenant;
grant select, insert, update on connection_health to lettergate_batch;
grant select, insert on connection_event to lettergate_batch;

do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table tenant, outbox, connection in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;

-- {per_second?, per_day?, concurrency?}
alter table connection add column if not exists limits json;

-- A message that waits for its turn at a connection: which one, why, and for which version of the tenant's connections that was right.
alter table outbox add column wait_for uuid, add column wait_why text, add column wait_version integer;
create index outbox_paced on outbox (tenant_id) where phase = 'waiting' and wait_version is not null;

-- The version for which all messages that wait for their turn have been looked at again; the index finds tenants where it is behind.
alter table tenant add column released_version integer not null default 0;
create index tenant_unreleased on tenant (id) where connections_version <> released_version;
grant select (released_version), update (released_version) on tenant to lettergate_batch;
create policy release_rows on tenant for update to lettergate_batch using (true) with check (true);

create function forget_connection() returns trigger language plpgsql as $$
begin
  delete from connection_health where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_event where tenant_id = old.tenant_id and connection_id = old.id;
  return null;
end
$$;
create trigger forget_connection after delete on connection for each row execute function forget_connection();

create type pace_key as (tenant_id uuid, connection_id uuid);
create type pace_report as (
  tenant_id uuid, connection_id uuid, grow float8, halve int4, concurrency_max float8, pause_ms float8, pause_reason text,
  unused int4);
create type pace_order as (
  tenant_id uuid, connection_id uuid, rate float8, wanted float8, largest float8, per_day int4, wanted_of_day int4);
create type pace_wait as (
  message_id uuid, epoch int8, in_ms float8, connection_id uuid, why text, version int4);

-- The row, locked; made if there is none.
create function lock_health(of_tenant uuid, of_connection uuid) returns connection_health language plpgsql as $$
declare
  h connection_health;
begin
  loop
    select * into h from connection_health where tenant_id = of_tenant and connection_id = of_connection for no key update;
    if found then return h; end if;
    insert into connection_health (tenant_id, connection_id) values (of_tenant, of_connection) on conflict do nothing;
  end loop;
end
$$;

-- One worker's news of a connection, and what is true of it by then.
create function sync_pace(r pace_report, worker text) returns connection_health language plpgsql as $$
declare
  h connection_health := lock_health(r.tenant_id, r.connection_id);
  epoch float8 := extract(epoch from now());
begin
  if r.halve > 0 and coalesce(h.halved_at < now() - interval '1 s', true) then
    h.concurrency := h.concurrency / 2;
    h.halved_at := now();
  end if;
  h.concurrency := least(r.concurrency_max, greatest(1, h.concurrency + r.grow));
  h.workers := coalesce((select jsonb_object_agg(key, value) from jsonb_each(h.workers) where value::float8 > epoch - 10), '{}')
               || jsonb_build_object(worker, epoch);
  if r.pause_ms is not null and coalesce(h.paused_until < now() + r.pause_ms * interval '1 ms', true) then
    h.paused_until := now() + r.pause_ms * interval '1 ms';
    h.pause_reason := r.pause_reason;
  end if;
  if h.day = (now() at time zone 'utc')::date then h.day_used := greatest(0, h.day_used - r.unused); end if;
  update connection_health set concurrency = h.concurrency, halved_at = h.halved_at, workers = h.workers,
    paused_until = h.paused_until, pause_reason = h.pause_reason, day_used = h.day_used
  where tenant_id = r.tenant_id and connection_id = r.connection_id;
  return h;
end
$$;

-- Reserves sending times and room of the day. `start_ms`: when the first of them may go out; it is in the past while the burst lasts,
-- which is what one second allows, or one. Nothing begins further ahead than an hour; what begins before may end after it, or a message
-- with more recipients than an hour allows would never go out (`largest`).
create function reserve_pace(r pace_order, out start_ms float8, out granted float8, out granted_of_day int4) language plpgsql as $$
declare
  h connection_health := lock_health(r.tenant_id, r.connection_id);
  today date := (now() at time zone 'utc')::date;
  starts timestamptz;
begin
  start_ms := 0;
  granted := r.wanted;
  granted_of_day := r.wanted_of_day;
  if r.wanted > 0 and r.rate is not null then
    -- Times that were given away at another rate say nothing of this one.
    starts := case when h.rate is distinct from r.rate then now() else greatest(now(), h.next_at) end;
    granted := case when starts > now() + interval '1 hour' then 0
                    else least(r.wanted, extract(epoch from now() + interval '1 hour' - starts) * r.rate + r.largest) end;
    start_ms := extract(epoch from starts - now()) * 1000 - 1000 * greatest(0, 1 - 1 / r.rate);
    h.next_at := starts + granted / r.rate * interval '1 s';
    h.rate := r.rate;
  end if;
  if h.day is distinct from today then
    h.day := today;
    h.day_used := 0;
  end if;
  if r.per_day is not null then granted_of_day := greatest(0, least(r.wanted_of_day, r.per_day - h.day_used)); end if;
  h.day_used := h.day_used + granted_of_day;
  update connection_health set rate = h.rate, next_at = h.next_at, day = h.day, day_used = h.day_used
  where tenant_id = r.tenant_id and connection_id = r.connection_id;
end
$$;
