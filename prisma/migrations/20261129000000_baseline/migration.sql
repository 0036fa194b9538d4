-- The whole schema as of the first release. prisma/schema describes tables and columns; here stands what Prisma's language has no
-- words for too: checks, policies, grants, functions and storage parameters.

-- 1. Roles. Processes log in as DATABASE_URL says and switch to one of two roles; docs/decisions/0005-row-level-security.md says why.
-- Roles belong to the whole cluster: another database of it may make them at the same moment.
do $$
declare
  wanted text;
  may_use text := case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end;
  how text := case when may_use = 'SET' then ' with inherit false, set true' else '' end;
begin
  foreach wanted in array array['lettergate_tenant', 'lettergate_batch'] loop
    for try in 1..50 loop
      begin
        if not exists (select from pg_roles where rolname = wanted) then
          execute format('create role %I nologin', wanted);
        end if;
        if not pg_has_role(current_user, wanted, may_use) then
          execute format('grant %I to %I', wanted, current_user) || how;
        end if;
        exit;
      exception
        when insufficient_privilege then
          raise exception 'the login % may not make or use the role %; have an administrator run: create role % nologin; grant % to %;',
            current_user, wanted, wanted, wanted, current_user using errcode = 'insufficient_privilege';
        -- Another session makes or grants it now; Postgres reports "tuple concurrently updated" as internal_error.
        when duplicate_object or unique_violation or internal_error then
          if try = 50 then raise; end if;
          perform pg_sleep(0.02);
      end;
    end loop;
    if exists (select from pg_roles where rolname = wanted and (rolsuper or rolbypassrls)) then
      raise exception 'the role % is not bound by policies: alter role % nosuperuser nobypassrls', wanted, wanted;
    end if;
  end loop;
end
$$;

-- 2. Management tables: small, ordinary foreign keys.

create table tenant (
  id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  plan text not null check (plan in ('free', 'standard', 'scale')),
  daily_limit integer not null check (daily_limit >= 0),
  on_unknown text not null default 'hold' check (on_unknown in ('hold', 'resend')),
  connections_version integer not null default 0,
  created_at timestamptz not null default now(),
  released_version integer not null default 0
);
create index tenant_unreleased on tenant (id) where connections_version <> released_version;

create table api_key (
  id uuid primary key,
  tenant_id uuid references tenant (id) on delete cascade,
  mode text not null check (mode in ('live', 'test', 'admin')),
  hash bytea not null unique check (length(hash) = 32),
  display text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  pepper_version integer,
  check ((mode = 'admin') = (tenant_id is null))
);
create index api_key_tenant on api_key (tenant_id);

create table data_key (
  tenant_id uuid not null references tenant (id) on delete cascade,
  version integer not null,
  root_version integer not null,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, version)
);

create table connection (
  tenant_id uuid not null references tenant (id) on delete cascade,
  id uuid not null,
  provider text not null,
  name text not null,
  priority integer not null default 100,
  settings jsonb not null default '{}',
  sealed_credentials bytea not null,
  data_key_version integer not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  limits json,
  credentials_rotated_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, data_key_version) references data_key (tenant_id, version)
);

create table route (
  tenant_id uuid not null references tenant (id) on delete cascade,
  id uuid not null,
  position integer not null,
  name text not null,
  match json not null,
  strategy text not null check (strategy in ('ordered', 'weighted')),
  -- No foreign key to the connections: one may be deleted, and its place is skipped.
  targets json not null,
  enabled boolean not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);

-- Times that clients see are the database's, whoever writes the row and whatever its clock says.
create function set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end
$$;
create trigger set_updated_at before update on route for each row execute function set_updated_at();
-- Not for sealed_credentials: a secret that the provider replaced by itself is no change that a person made.
create trigger set_updated_at before update of name, priority, settings, limits, enabled, credentials_rotated_at on connection
  for each row execute function set_updated_at();
create function set_credentials_rotated_at() returns trigger language plpgsql as $$
begin
  new.credentials_rotated_at := now();
  return new;
end
$$;
create trigger set_credentials_rotated_at before update of credentials_rotated_at on connection
  for each row execute function set_credentials_rotated_at();

-- 3. Pipeline tables. No foreign keys between them: one statement writes them together, and a check would be a trigger for every row.
-- Every key carries tenant_id, so that no row is reached without it. Large tables are partitioned by range of the message id (UUIDv7,
-- so by day): an id alone finds its partition.

create table usage (
  tenant_id uuid not null,
  day date not null,
  mode text not null,
  accepted integer not null default 0 check (accepted >= 0),
  primary key (tenant_id, day, mode)
) with (fillfactor = 50);

create table idempotency (
  tenant_id uuid not null,
  key_hash bytea not null,
  body_hash bytea not null,
  request_id uuid not null,
  answer json not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key_hash)
);
create index idempotency_created on idempotency using brin (created_at);

create table message (
  tenant_id uuid not null,
  id uuid not null,
  created_at timestamptz not null default now(),
  usage_day date not null,
  mode text not null,
  stream text not null,
  from_address text not null,
  from_name text,
  subject text not null,
  tags text[] not null,
  metadata json,
  send_at timestamptz,
  connection_id uuid,
  attachment_count smallint not null,
  content_bytes integer not null,
  primary key (tenant_id, id)
) partition by range (id);

create table message_content (
  tenant_id uuid not null,
  message_id uuid not null,
  document json not null,
  primary key (tenant_id, message_id)
) partition by range (message_id);
-- Compressing the document by pglz is a fifth of what accepting a message costs Postgres; lz4 is several times faster.
do $$
begin
  alter table message_content alter column document set compression lz4;
exception when feature_not_supported then
  raise notice 'this Postgres was built without lz4: message content is compressed by pglz';
end
$$;

create table attachment (
  tenant_id uuid not null,
  message_id uuid not null,
  position smallint not null,
  filename text not null,
  content_type text not null,
  content_id text,
  disposition text not null,
  bytes integer not null,
  primary key (tenant_id, message_id, position)
) partition by range (message_id);

create table attachment_chunk (
  tenant_id uuid not null,
  message_id uuid not null,
  position smallint not null,
  chunk smallint not null,
  content bytea not null,
  primary key (tenant_id, message_id, position, chunk)
) partition by range (message_id);

create table recipient (
  tenant_id uuid not null,
  message_id uuid not null,
  position smallint not null,
  kind text not null,
  address text not null,
  name text,
  status text not null,
  reason text,
  updated_at timestamptz not null default now(),
  -- The common statuses are dense, so a scan by id finds them at once; only the others need an index.
  rare_status text generated always as (
    case when status in ('scheduled', 'queued', 'sent', 'delivered') then null else status end
  ) stored,
  primary key (tenant_id, message_id, position)
) partition by range (message_id);
-- No indexed column changes when a queued recipient becomes sent, so that update stays in its page (HOT).
create index recipient_address on recipient (tenant_id, address, message_id);
create index recipient_rare_status on recipient (tenant_id, rare_status, message_id) where rare_status is not null;

create table attempt (
  tenant_id uuid not null,
  message_id uuid not null,
  number smallint not null,
  connection_id uuid,
  provider text not null,
  started_at timestamptz not null,
  finished_at timestamptz not null default now(),
  outcome text not null,
  scope text,
  reason text,
  provider_message_id text,
  recipients smallint[] not null,
  code text,
  choice json,
  primary key (tenant_id, message_id, number)
) partition by range (message_id);

create sequence event_seq as bigint;
create table event (
  tenant_id uuid not null,
  message_id uuid not null,
  seq bigint not null default nextval('event_seq'),
  position smallint,
  type text not null,
  at timestamptz not null default now(),
  data json,
  primary key (tenant_id, message_id, seq)
) partition by range (message_id);

-- The backlog: one row for each message that still has something to do. Small, short-lived, vacuumed eagerly.
-- waiting (due later) → ready → claimed (a worker has it) → sending (committed before the first byte) → gone.
create sequence claim_epoch as bigint;
create table outbox (
  message_id uuid primary key,
  tenant_id uuid not null,
  mode text not null,
  state text not null check (state in ('waiting', 'ready', 'claimed', 'sending')),
  -- The indexes go by phase: a claim that turns to sending stays 'held', so the fence updates no index (HOT).
  phase text not null generated always as (
    case when state in ('claimed', 'sending') then 'held' else state end
  ) stored,
  due_at timestamptz not null default now(),
  first_due_at timestamptz not null default now(),
  epoch bigint not null default 0,
  attempts smallint not null default 0,
  content_bytes integer not null,
  lease_until timestamptz,
  connection_id uuid,
  provider text,
  sending_at timestamptz,
  accepted_at timestamptz,
  wait_for uuid,
  wait_why text,
  wait_version integer,
  fence_token int8,
  paced_ms float8 not null default 0,
  lost_workers int2 not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index outbox_ready on outbox (tenant_id, message_id) where phase = 'ready';
create index outbox_waiting on outbox (due_at) where phase = 'waiting';
create index outbox_held on outbox (tenant_id) where phase = 'held';
create index outbox_paced on outbox (tenant_id) where phase = 'waiting' and wait_version is not null;
create index outbox_waiting_tenant on outbox (tenant_id, message_id) where phase = 'waiting';
-- Empty but for the few messages that are suspected, so no update of a hand-off touches it.
create index outbox_lost_workers on outbox (lost_workers) where lost_workers > 0;

-- Not logged: a crash of Postgres may empty it, and then no message is suspected.
create unlogged table claim_in_hand (
  at timestamptz not null default now(),
  epochs int8[] not null
) with (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- 4. What workers share of connections. Rows of connection_health and connection_share that vanish are made anew; those of
-- connection_usage may not vanish.

create table connection_health (
  tenant_id uuid not null,
  connection_id uuid not null,
  state text not null default 'closed' check (state in ('closed', 'open', 'half-open')),
  since timestamptz not null default now(),
  code text,
  reason text,
  opened integer not null default 0,
  retry_at timestamptz,
  probe_until timestamptz,
  paused_until timestamptz,
  pause_reason text,
  concurrency float8 not null default 64,
  halved_at timestamptz,
  workers jsonb not null default '{}',
  rate float8,
  next_at timestamptz,
  told json,
  asked_at timestamptz,
  primary key (tenant_id, connection_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

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
create index connection_event_at on connection_event (at);

create table connection_usage (
  tenant_id uuid not null,
  connection_id uuid not null,
  day date not null,
  used integer not null,
  told_used integer,
  told_at timestamptz,
  version integer not null default 0,
  primary key (tenant_id, connection_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

create table connection_share (
  tenant_id uuid not null,
  connection_id uuid not null,
  worker text not null,
  share integer not null,
  wants integer not null,
  until timestamptz not null,
  primary key (tenant_id, connection_id, worker)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

create function forget_connection() returns trigger language plpgsql as $$
begin
  delete from connection_health where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_usage where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_event where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_share where tenant_id = old.tenant_id and connection_id = old.id;
  perform pg_notify('lg_connection', old.id::text);
  return null;
end
$$;
create trigger forget_connection after delete on connection for each row execute function forget_connection();

-- 5. Partitions.

-- The lowest UUIDv7 of a UTC day.
create function uuid_at_day(day date) returns uuid language sql immutable strict as $$
  select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Creates the daily partitions from first to last day where they are missing, and a default one that catches ids of a badly set clock.
-- Safe to run from many processes at once; a day that cannot be created is tried next time. A partition that is named directly escapes
-- its parent's policies: with row security on and no policy of its own it stays shut, even after a careless "grant … on all tables".
create function ensure_partitions(first date, last date) returns integer language plpgsql as $$
declare
  parent text;
  day date;
  created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  foreach parent in array array['message', 'message_content', 'attachment', 'attachment_chunk', 'recipient', 'attempt', 'event'] loop
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
  -- Partitions are made with the rights of the tables' owner, by names that no caller can bend.
  execute format('alter function ensure_partitions(date, date) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 8);

-- 6. Batches. A batch is one parameter, an array of one of these types (packages/db/src/composite-rows.ts). Both sides must agree on the columns and
-- their order, and the version before goes on while a migration runs: a changed batch is a new type, never an altered one.

create type accept_unit as (
  unit int4, tenant_id uuid, mode text, request_id uuid, n int4, key_hash bytea, body_hash bytea, answer json);
create type accept_message as (
  unit int4, id uuid, stream text, from_address text, from_name text, subject text, tags text[], metadata json,
  send_at timestamptz, connection_id uuid, attachment_count int2, content_bytes int4, document json);
create type accept_recipient as (message_id uuid, position int2, kind text, address text, name text);
create type claim_key as (tenant_id uuid, message_id uuid, epoch int8);
create type claim_fence_2 as (message_id uuid, epoch int8, connection_id uuid, provider text, token int8);
-- `wait_version`: the version of the tenant's connections by which an attempt failed that may succeed after a change of them; null: no
-- change of them makes a difference.
create type claim_outcome_3 as (
  tenant_id uuid, message_id uuid, epoch int8, mode text, usage_day text, retry_in_ms float8, give_back int4, number int2,
  connection_id uuid, provider text, started_at timestamptz, outcome text, scope text, reason text,
  provider_message_id text, positions int2[], code text, choice json, wait_version int4);
create type claim_change as (
  tenant_id uuid, message_id uuid, position int2, status text, reason text, event text, data json);
create type message_key as (tenant_id uuid, id uuid, position int4);
create type pace_key as (tenant_id uuid, connection_id uuid);
create type pace_report as (
  tenant_id uuid, connection_id uuid, grow float8, halve int4, concurrency_max float8, pause_ms float8, pause_reason text,
  unused int4);
-- As pace_report, with the part of the concurrency that the worker keeps in any case, and how many calls it has use for; null: no limit.
create type pace_report_2 as (
  tenant_id uuid, connection_id uuid, grow float8, halve int4, concurrency_max float8, pause_ms float8, pause_reason text,
  unused int4, keeps int4, wants int4);
-- `rate` and `per_day` are the tenant's own; `told` is what the worker remembers of the provider's, for a row that was made anew.
create type pace_order_2 as (
  tenant_id uuid, connection_id uuid, rate float8, wanted float8, largest float8, per_day int4, wanted_of_day int4, told json, version int4);
create type pace_wait as (
  message_id uuid, epoch int8, in_ms float8, connection_id uuid, why text, version int4);

-- 7. Functions of the pipeline.

-- Whoever waits for a locked row inside a statement has the whole of its plan made ready a second time, for the row as it is
-- by then: a ninth of what accepting cost Postgres, since all messages of a tenant meet at its usage row. In functions the
-- plan that is made ready twice is theirs alone, and each sees what was committed while it waited.
create function lock_usage(of_tenant uuid, of_mode text, out day date, out accepted integer)
language plpgsql as $$
begin
  select u.day, u.accepted into lock_usage.day, lock_usage.accepted
  from usage u
  where u.tenant_id = of_tenant and u.day = (now() at time zone 'utc')::date and u.mode = of_mode
  for no key update;
end
$$;

create function add_usage(of_tenant uuid, on_day date, of_mode text, n integer) returns integer
language plpgsql as $$
declare
  total integer;
begin
  update usage u set accepted = u.accepted + n
  where u.tenant_id = of_tenant and u.day = on_day and u.mode = of_mode
  returning u.accepted into total;
  return total;
end
$$;

-- The api may exchange the hash of a key that it has just verified, and nothing else of it.
do $$
begin
  execute format($sql$
    create function rehash_key(old_hash bytea, new_hash bytea, new_pepper integer) returns boolean
    language sql security definer set search_path = %I, pg_temp as
    'with changed as (update api_key set hash = new_hash, pepper_version = new_pepper where hash = old_hash returning 1)
     select exists (select from changed)'
  $sql$, current_schema());
end
$$;

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

-- Reserves sending times and room of the day. `start_ms`: when the first recipient may go out; it is in the past while the burst lasts,
-- which is what one second allows, or one. Nothing begins further ahead than an hour; what begins before may end after it, or a message
-- with more recipients than an hour allows would never go out (`largest`).
-- 1. Limits are decided here and not by each worker: two workers of which one has not seen a change yet reserve at the same rate.
-- 2. The tenant limits what goes through this connection in a UTC day, the provider what its account sends, in whatever way. A count of
--    the provider that is an hour old says nothing of a rolling day: then our own count is held against its limit.
-- 3. Sending times begin anew with each version of the tenant's connections, because all messages that waited were released by then. Two
--    workers that see different rates for a moment are no reason: each would give a burst.
-- 4. The first message of a day may have more recipients than a day allows, or it would never go out.
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

-- One worker's changes of a connection, and its state after them. Halved is the concurrency in use: half of an unknown bound may be more
-- than the bound.
create function sync_pace(r pace_report, worker text) returns connection_health language plpgsql as $$
declare
  h connection_health := lock_health(r.tenant_id, r.connection_id);
  u connection_usage;
  epoch float8 := extract(epoch from now());
begin
  if r.halve > 0 and coalesce(h.halved_at < now() - interval '1 s', true) then
    h.concurrency := least(r.concurrency_max, h.concurrency) / 2;
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

-- One worker's part of the calls at once. It is not taken away while its lease lasts: a worker gives up what it does not keep, and gets
-- more only of what nobody has. `fair` is what it would have if all took theirs; `most` is what it is to keep next time, which may be less than it has
-- while others wait for some; `is_short`: it is news that it waits for others. Whoever calls this has locked the row of
-- connection_health, so they come one after the other.
create function take_share(
  of_tenant uuid, of_connection uuid, of_worker text, keeps integer, wants integer, most_of_all integer, lease_ms float8,
  out share integer, out fair integer, out most integer, out are_others_short boolean, out is_short boolean) language plpgsql as $$
declare
  others record;
  before record;
begin
  is_short := false;
  if keeps is null then return; end if;
  delete from connection_share s
  where s.tenant_id = of_tenant and s.connection_id = of_connection and s.worker <> of_worker and s.until < now();
  select s.wants > s.share as is_short into before from connection_share s
  where s.tenant_id = of_tenant and s.connection_id = of_connection and s.worker = of_worker;
  select coalesce(sum(s.share), 0)::int4 as share, coalesce(sum(s.wants), 0)::int4 as wants,
         count(*) filter (where s.wants > 0)::int4 as many, coalesce(bool_or(s.wants > s.share), false) as are_short,
         count(*) filter (where s.wants > 0 and s.worker < of_worker)::int4 as many_before,
         coalesce(sum(s.share) filter (where s.worker < of_worker), 0)::int4 as share_before
  into others from connection_share s
  where s.tenant_id = of_tenant and s.connection_id = of_connection and s.worker <> of_worker;
  fair := greatest(
    1, most_of_all - others.wants,
    most_of_all / (others.many + 1) + case when others.many_before < most_of_all % (others.many + 1) then 1 else 0 end);
  share := case when wants > 0 then greatest(keeps, least(fair, most_of_all - others.share)) else keeps end;
  are_others_short := others.are_short;
  most := case when others.are_short then least(fair, wants) else most_of_all end;
  -- The limit was lowered, or not all have heard of it yet: those who come later give up theirs.
  if others.share + share > most_of_all then
    most := greatest(0, least(most, most_of_all - others.share_before));
  end if;
  if share = 0 and wants = 0 then
    delete from connection_share s
    where s.tenant_id = of_tenant and s.connection_id = of_connection and s.worker = of_worker;
    return;
  end if;
  is_short := wants > share and share < fair and not coalesce(before.is_short, false);
  insert into connection_share as s (tenant_id, connection_id, worker, share, wants, until)
  values (of_tenant, of_connection, of_worker, take_share.share, take_share.wants, now() + lease_ms * interval '1 ms')
  on conflict (tenant_id, connection_id, worker) do update
  set share = excluded.share, wants = excluded.wants, until = excluded.until;
end
$$;

-- Whoever was using a connection while it was deleted makes its rows anew. Looks at the next ones by key, and forgets those without a
-- connection; rows that somebody holds at this moment are left for the next time. `next_…` is null at the end. With the rights
-- of the owner: workers may read no connection of everybody's.
do $$
begin
  execute format($sql$
    create function forget_gone_connections(
      after_tenant uuid, after_connection uuid, page integer, out forgotten integer, out next_tenant uuid, out next_connection uuid)
    language plpgsql security definer set search_path = %I, pg_temp as $body$
    declare
      seen pace_key[];
      gone pace_key[];
    begin
      select array_agg((k.tenant_id, k.connection_id)::pace_key order by k.tenant_id, k.connection_id),
             array_agg((k.tenant_id, k.connection_id)::pace_key) filter (where not exists (
               select from connection c where c.tenant_id = k.tenant_id and c.id = k.connection_id))
      into seen, gone
      from (
        (select h.tenant_id, h.connection_id from connection_health h
         where (h.tenant_id, h.connection_id) > (after_tenant, after_connection)
         order by h.tenant_id, h.connection_id limit page)
        union
        (select u.tenant_id, u.connection_id from connection_usage u
         where (u.tenant_id, u.connection_id) > (after_tenant, after_connection)
         order by u.tenant_id, u.connection_id limit page)
        order by tenant_id, connection_id limit page
      ) k;
      forgotten := 0;
      if gone is not null then
        delete from connection_usage where ctid = any(array(
          select u.ctid from connection_usage u join unnest(gone) g using (tenant_id, connection_id) for update of u skip locked));
        delete from connection_share where ctid = any(array(
          select s.ctid from connection_share s join unnest(gone) g using (tenant_id, connection_id) for update of s skip locked));
        delete from connection_event where ctid = any(array(
          select e.ctid from connection_event e join unnest(gone) g using (tenant_id, connection_id) for update of e skip locked));
        delete from connection_health where ctid = any(array(
          select h.ctid from connection_health h join unnest(gone) g using (tenant_id, connection_id) for update of h skip locked));
        forgotten := cardinality(gone);
      end if;
      if cardinality(seen) = page then
        next_tenant := (seen[page]).tenant_id;
        next_connection := (seen[page]).connection_id;
      end if;
    end
    $body$
  $sql$, current_schema());
end
$$;

-- 8. Row-level security and grants: docs/decisions/0005-row-level-security.md.
do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['tenant', 'api_key', 'data_key', 'connection', 'route', 'usage', 'idempotency', 'message',
                                'message_content', 'attachment', 'attachment_chunk', 'recipient', 'attempt', 'event', 'outbox',
                                'connection_health', 'connection_event', 'connection_usage', 'connection_share'] loop
    execute format('alter table %I enable row level security', target);
    -- With no tenant set the comparison is null: no row. After a commit the setting is '' and not null, hence nullif.
    execute format('create policy own_rows on %I to lettergate_tenant using (%I = %s) with check (%I = %s)',
      target, case target when 'tenant' then 'id' else 'tenant_id' end, own_rows,
      case target when 'tenant' then 'id' else 'tenant_id' end, own_rows);
  end loop;
  -- The tables of statements that serve many tenants at once; never credentials or their keys.
  foreach target in array array['usage', 'idempotency', 'message', 'message_content', 'attachment', 'attachment_chunk', 'recipient',
                                'attempt', 'event', 'outbox', 'connection_health', 'connection_event', 'connection_usage',
                                'connection_share'] loop
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
  execute format('grant usage on schema %I to lettergate_tenant, lettergate_batch', current_schema());
end
$$;
create policy all_rows on tenant for select to lettergate_batch using (true);
create policy release_rows on tenant for update to lettergate_batch using (true) with check (true);
create policy all_rows on api_key for select to lettergate_batch using (true);

-- One tenant's work: lists, details, cancel, retry, connections, routes, keys.
grant select (id, name, plan, daily_limit, on_unknown, connections_version, created_at), update (connections_version)
  on tenant to lettergate_tenant;
grant select (id, tenant_id, mode, display, scopes, created_at, expires_at, revoked_at), insert, update (revoked_at)
  on api_key to lettergate_tenant;
grant select, insert on data_key to lettergate_tenant;
grant select, insert, update, delete on connection, route, outbox to lettergate_tenant;
grant select, insert, update on usage to lettergate_tenant;
grant select, update on message, recipient to lettergate_tenant;
grant select on message_content, attachment, attachment_chunk, attempt to lettergate_tenant;
grant select, insert on event to lettergate_tenant;
grant select, delete on connection_health, connection_event, connection_usage, connection_share to lettergate_tenant;
-- A change of a connection resets its circuit and its pause; what workers count stays theirs.
grant update (state, opened, retry_at, probe_until, paused_until, pause_reason) on connection_health to lettergate_tenant;
grant usage on sequence event_seq to lettergate_tenant;

-- Batches of many tenants: accept, status reads, claim, load, fence, record, sweep, key look-up.
grant select (id, daily_limit, on_unknown, connections_version, released_version), update (connections_version, released_version)
  on tenant to lettergate_batch;
grant select (id, hash, tenant_id, mode, scopes, expires_at, revoked_at) on api_key to lettergate_batch;
grant select, insert, update on usage, recipient, attempt, connection_health, connection_usage to lettergate_batch;
grant select, insert, update, delete on idempotency, outbox, connection_share to lettergate_batch;
grant select, insert on message, message_content to lettergate_batch;
grant insert on attachment, attachment_chunk, event to lettergate_batch;
-- Whether any attempt may have reached a recipient is told by events too.
grant select (tenant_id, message_id, position, type) on event to lettergate_batch;
-- To pass over rows that another worker deletes, it has to lock them, which takes a right to update.
grant select, insert, delete, update (at) on connection_event to lettergate_batch;
grant select, insert, delete on claim_in_hand to lettergate_batch;
grant usage on sequence event_seq, claim_epoch to lettergate_batch;
revoke execute on function ensure_partitions(date, date), rehash_key(bytea, bytea, integer),
  forget_gone_connections(uuid, uuid, integer) from public;
grant execute on function ensure_partitions(date, date), rehash_key(bytea, bytea, integer),
  forget_gone_connections(uuid, uuid, integer) to lettergate_batch;
