-- Limits of connections: what is counted of their days is kept in a table of its own, and apart for the tenant's day and the provider's.
-- And events of connections are forgotten after a time (sql/expire-connection-events.ts, sql/trim-connection-events.ts).

-- The tables are small, but the locks keep others out, and must not be waited for longer than a request may notice.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table connection_health in exclusive mode;
      lock table connection_event in share mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
create index connection_event_at on connection_event (at);
-- To pass over rows that another worker is deleting, it has to lock them, which takes a right to update.
grant delete, update (at) on connection_event to lettergate_batch;

-- What was handed over through a connection of which the rate or a day is limited. Unlike its health this cannot be found out again:
-- docs/decisions/0011-days-of-connections.md says why it is not counted from attempts.
create table connection_usage (
  tenant_id uuid not null,
  connection_id uuid not null,
  -- Recipients on that UTC day.
  day date not null,
  used integer not null,
  -- Of the provider's day, which may be the last 24 hours: what it counted when it was asked last, and what was handed over since.
  -- Null: it does not count.
  told_used integer,
  told_at timestamptz,
  -- Of the tenant's connections: by which sending times were reserved last. Not in connection_health, since sessions of the version before
  -- have planned on the row type of that.
  version integer not null default 0,
  primary key (tenant_id, connection_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
alter table connection_usage enable row level security;
create policy own_rows on connection_usage to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on connection_usage to lettergate_batch using (true) with check (true);
grant select, delete on connection_usage to lettergate_tenant;
grant select, insert, update on connection_usage to lettergate_batch;

-- The columns day and day_used of connection_health stay, since the version before names them; nothing reads them any more.
insert into connection_usage (tenant_id, connection_id, day, used)
select tenant_id, connection_id, day, day_used from connection_health where day = (now() at time zone 'utc')::date;

create or replace function forget_connection() returns trigger language plpgsql as $$
begin
  delete from connection_health where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_usage where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_event where tenant_id = old.tenant_id and connection_id = old.id;
  return null;
end
$$;

-- A provider that tells other limits than before changes what messages wait for, as the tenant's own changes do.
grant update (connections_version) on tenant to lettergate_batch;

-- The row of today, locked; made if there is none. Whoever holds a row of connection_health too has locked that one first.
create function lock_connection_usage(of_tenant uuid, of_connection uuid) returns connection_usage language plpgsql as $$
declare
  u connection_usage;
  today date := (now() at time zone 'utc')::date;
begin
  loop
    select * into u from connection_usage where tenant_id = of_tenant and connection_id = of_connection for no key update;
    if found then
      if u.day < today then
        u.day := today;
        u.used := 0;
      end if;
      return u;
    end if;
    insert into connection_usage (tenant_id, connection_id, day, used) values (of_tenant, of_connection, today, 0)
    on conflict do nothing;
  end loop;
end
$$;

-- `rate` and `per_day` are the tenant's own; `told` is what the worker remembers of the provider's, for a row that was made anew.
create type pace_order_2 as (
  tenant_id uuid, connection_id uuid, rate float8, wanted float8, largest float8, per_day int4, wanted_of_day int4, told json, version int4);

-- As reserve_pace in 0006, with these differences. Which limits hold is decided here and not by each worker, so that two of which one has
-- not heard of a change yet reserve at the same rate. And the tenant's day and the provider's are two: the tenant limits what goes
-- through this connection in a UTC day, the provider what its account sends, by whatever way. A count of the provider's that is an
-- hour old says nothing of a rolling day any more: then it is our own that is held against its limit. Times begin anew with each
-- version of the tenant's connections, since all messages that had one were let go by then, and would wait behind times that are
-- nobody's; not when two workers merely see different rates for a moment, which would give a burst each time. And the first message
-- of a day may have more recipients than a day allows, or it would never go out, and never end.
create function reserve_pace_2(
  r pace_order_2, out start_ms float8, out granted float8, out granted_of_day int4, out rate float8, out counts_day boolean)
language plpgsql as $$
declare
  h connection_health := lock_health(r.tenant_id, r.connection_id);
  u connection_usage;
  limits json := coalesce(h.told, r.told);
  told_day int4 := (limits ->> 'perDay')::int4;
  starts timestamptz;
begin
  rate := least(r.rate, (limits ->> 'perSecond')::float8);
  counts_day := coalesce(r.per_day, told_day) is not null;
  start_ms := 0;
  granted := r.wanted;
  granted_of_day := r.wanted_of_day;
  if counts_day or (r.wanted > 0 and rate is not null) then
    u := lock_connection_usage(r.tenant_id, r.connection_id);
  end if;
  if r.wanted > 0 and rate is not null then
    starts := case when r.version > u.version then now() else greatest(now(), h.next_at) end;
    granted := case when starts > now() + interval '1 hour' then 0
                    else least(r.wanted, extract(epoch from now() + interval '1 hour' - starts) * rate + r.largest) end;
    start_ms := extract(epoch from starts - now()) * 1000 - 1000 * greatest(0, 1 - 1 / rate);
    update connection_health
    set rate = reserve_pace_2.rate, next_at = starts + granted / reserve_pace_2.rate * interval '1 s', told = limits
    where tenant_id = r.tenant_id and connection_id = r.connection_id;
    if r.version > u.version then
      update connection_usage set version = r.version where tenant_id = r.tenant_id and connection_id = r.connection_id;
    end if;
  elsif h.told is null and limits is not null then
    update connection_health set told = limits where tenant_id = r.tenant_id and connection_id = r.connection_id;
  end if;
  if counts_day then
    granted_of_day := greatest(0, least(
      r.wanted_of_day,
      case when u.used = 0 and r.per_day < r.largest then r.largest else r.per_day - u.used end,
      told_day - case when u.told_at > now() - interval '1 hour' then coalesce(u.told_used, u.used) else u.used end));
    update connection_usage set day = u.day, used = u.used + granted_of_day, told_used = u.told_used + granted_of_day
    where tenant_id = r.tenant_id and connection_id = r.connection_id;
  end if;
end
$$;

-- For workers of the version before, which give the narrower limits themselves.
create or replace function reserve_pace(r pace_order, out start_ms float8, out granted float8, out granted_of_day int4)
language plpgsql as $$
begin
  select g.start_ms, g.granted, g.granted_of_day into reserve_pace.start_ms, reserve_pace.granted, reserve_pace.granted_of_day
  from reserve_pace_2((r.tenant_id, r.connection_id, r.rate, r.wanted, r.largest, r.per_day, r.wanted_of_day, null, null)::pace_order_2) g;
end
$$;

-- As in 0006, but for where room of the day is given back to.
create or replace function sync_pace(r pace_report, worker text) returns connection_health language plpgsql as $$
declare
  h connection_health := lock_health(r.tenant_id, r.connection_id);
  u connection_usage;
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
  update connection_health set concurrency = h.concurrency, halved_at = h.halved_at, workers = h.workers,
    paused_until = h.paused_until, pause_reason = h.pause_reason
  where tenant_id = r.tenant_id and connection_id = r.connection_id;
  if r.unused > 0 then
    u := lock_connection_usage(r.tenant_id, r.connection_id);
    update connection_usage set day = u.day, used = greatest(0, u.used - r.unused),
      told_used = case when u.told_used is not null then greatest(0, u.told_used - r.unused) end
    where tenant_id = r.tenant_id and connection_id = r.connection_id;
  end if;
  return h;
end
$$;
