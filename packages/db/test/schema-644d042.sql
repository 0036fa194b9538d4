-- What commit 644d042 made of an empty database: its migrations, but for comments between statements, and its ledger of them.

create table tenant (
  id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  plan text not null check (plan in ('free', 'standard', 'scale')),
  -- Recipients accepted per UTC day, per mode (live and test are counted apart).
  daily_limit integer not null check (daily_limit >= 0),
  -- What becomes of a hand-off whose outcome is unknown: hold it, or send it again at the tenant's own risk.
  on_unknown text not null default 'hold' check (on_unknown in ('hold', 'resend')),
  -- Rises with every change of the tenant's connections: what a worker has cached of them is valid for one version.
  connections_version integer not null default 0,
  created_at timestamptz not null default now()
);
create table api_key (
  id uuid primary key,
  -- Null for an operator key.
  tenant_id uuid references tenant (id) on delete cascade,
  mode text not null check (mode in ('live', 'test', 'admin')),
  -- HMAC-SHA256 of the whole key under the pepper; the key itself is never stored.
  hash bytea not null unique check (length(hash) = 32),
  -- Prefix and first four characters, to recognise a key by.
  display text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
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
  -- Lower is tried first.
  priority integer not null default 100,
  settings jsonb not null default '{}',
  -- AES-256-GCM under the tenant's data key; AAD names tenant, table, row and key version.
  sealed_credentials bytea not null,
  data_key_version integer not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, data_key_version) references data_key (tenant_id, version)
);
create table usage (
  tenant_id uuid not null,
  day date not null,
  mode text not null,
  accepted integer not null default 0 check (accepted >= 0),
  primary key (tenant_id, day, mode)
) with (fillfactor = 50);
create table idempotency (
  tenant_id uuid not null,
  -- SHA-256 of mode, route and Idempotency-Key.
  key_hash bytea not null,
  body_hash bytea not null,
  -- The request that owns the key: tells two claims in one statement apart.
  request_id uuid not null,
  -- The answer to repeat, but for its created_at, which is this row's.
  answer json not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key_hash)
);
create index idempotency_created on idempotency using brin (created_at);
create table message (
  tenant_id uuid not null,
  id uuid not null,
  created_at timestamptz not null default now(),
  -- The day whose quota this message was counted on; a give-back goes there.
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
  -- Bytes of text, html, headers and attachments together: what a worker must hold to send it.
  content_bytes integer not null,
  primary key (tenant_id, id)
) partition by range (id);
create table message_content (
  tenant_id uuid not null,
  message_id uuid not null,
  -- {text, html, headers, reply_to}: read only as a whole, so one column.
  document json not null,
  primary key (tenant_id, message_id)
) partition by range (message_id);
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
  -- Why it is in this status, in words for the tenant.
  reason text,
  updated_at timestamptz not null default now(),
  -- The common statuses are dense, so a scan by id finds them at once; only the others need an index.
  rare_status text generated always as (
    case when status in ('scheduled', 'queued', 'sent', 'delivered') then null else status end
  ) stored,
  primary key (tenant_id, message_id, position)
) partition by range (message_id);
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
  -- 'message' or 'account' when rejected.
  scope text,
  reason text,
  provider_message_id text,
  -- Positions of the recipients that this attempt carried.
  recipients smallint[] not null,
  primary key (tenant_id, message_id, number)
) partition by range (message_id);
create sequence event_seq as bigint;
create table event (
  tenant_id uuid not null,
  message_id uuid not null,
  seq bigint not null default nextval('event_seq'),
  -- Null: the message as a whole.
  position smallint,
  type text not null,
  at timestamptz not null default now(),
  data json,
  primary key (tenant_id, message_id, seq)
) partition by range (message_id);
create sequence claim_epoch as bigint;
create table outbox (
  message_id uuid primary key,
  tenant_id uuid not null,
  mode text not null,
  state text not null check (state in ('waiting', 'ready', 'claimed', 'sending')),
  -- What the indexes go by. A claim that turns to sending stays 'held', so the fence updates no index (HOT).
  phase text not null generated always as (
    case when state in ('claimed', 'sending') then 'held' else state end
  ) stored,
  due_at timestamptz not null default now(),
  -- Retries end 72 h after this.
  first_due_at timestamptz not null default now(),
  -- Drawn anew with every claim and never reused, even for a row that was deleted and made again:
  -- a worker that lost its claim is fenced off.
  epoch bigint not null default 0,
  attempts smallint not null default 0,
  content_bytes integer not null,
  lease_until timestamptz,
  connection_id uuid,
  provider text,
  sending_at timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index outbox_ready on outbox (tenant_id, message_id) where phase = 'ready';
create index outbox_waiting on outbox (due_at) where phase = 'waiting';
create index outbox_held on outbox (tenant_id) where phase = 'held';
create function uuid_at_day(day date) returns uuid language sql immutable strict as $$
  select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
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
    end if;
    for day in select generate_series(first, last, interval '1 day')::date loop
      continue when to_regclass(parent || to_char(day, '_YYYYMMDD')) is not null;
      begin
        execute format('create table %I partition of %I for values from (%L) to (%L)',
          parent || to_char(day, '_YYYYMMDD'), parent, uuid_at_day(day), uuid_at_day(day + 1));
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
select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 8);

alter table outbox add column accepted_at timestamptz;
do $$
declare
  part regclass;
begin
  for part in
    select 'message_content'::regclass union all
    select inhrelid::regclass from pg_inherits where inhparent = 'message_content'::regclass
  loop
    execute format('alter table %s alter column document set compression lz4', part);
  end loop;
exception when feature_not_supported then
  raise notice 'this Postgres was built without lz4: message content is compressed by pglz';
end
$$;

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
        -- Somebody else is making or granting it; internal_error is how "tuple concurrently updated" is reported.
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
do $$
begin
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table usage, tenant, idempotency, message, message_content, recipient, outbox, attempt, event, attachment,
                 attachment_chunk, api_key, data_key, connection in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['tenant', 'api_key', 'data_key', 'connection', 'usage', 'idempotency', 'message', 'message_content',
                                'attachment', 'attachment_chunk', 'recipient', 'attempt', 'event', 'outbox'] loop
    execute format('alter table %I enable row level security', target);
    -- With no tenant set the comparison is null: no row. After a commit the setting is '' and not null, hence nullif.
    execute format('create policy own_rows on %I to lettergate_tenant using (%I = %s) with check (%I = %s)',
      target, case target when 'tenant' then 'id' else 'tenant_id' end, own_rows,
      case target when 'tenant' then 'id' else 'tenant_id' end, own_rows);
  end loop;
  -- What the statements that serve many tenants at once touch; never credentials or their keys.
  foreach target in array array['usage', 'idempotency', 'message', 'message_content', 'attachment', 'attachment_chunk', 'recipient',
                                'attempt', 'event', 'outbox'] loop
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
  execute format('grant usage on schema %I to lettergate_tenant, lettergate_batch', current_schema());
end
$$;
create policy all_rows on tenant for select to lettergate_batch using (true);
create policy all_rows on api_key for select to lettergate_batch using (true);
grant select (id, name, plan, daily_limit, on_unknown, connections_version, created_at), update (connections_version)
  on tenant to lettergate_tenant;
grant select (id, tenant_id, mode, display, scopes, created_at, expires_at, revoked_at), insert, update (revoked_at)
  on api_key to lettergate_tenant;
grant select, insert on data_key to lettergate_tenant;
grant select, insert, update, delete on connection, outbox to lettergate_tenant;
grant select, insert, update on usage to lettergate_tenant;
grant select, update on message, recipient to lettergate_tenant;
grant select on message_content, attachment, attachment_chunk, attempt to lettergate_tenant;
grant select, insert on event to lettergate_tenant;
grant usage on sequence event_seq to lettergate_tenant;
grant select (id, daily_limit, on_unknown, connections_version) on tenant to lettergate_batch;
grant select (id, hash, tenant_id, mode, scopes, expires_at, revoked_at) on api_key to lettergate_batch;
grant select, insert, update on usage, recipient, attempt to lettergate_batch;
grant select, insert, update, delete on idempotency, outbox to lettergate_batch;
grant select, insert on message, message_content to lettergate_batch;
grant insert on attachment, attachment_chunk, event to lettergate_batch;
grant usage on sequence event_seq, claim_epoch to lettergate_batch;
create or replace function ensure_partitions(first date, last date) returns integer language plpgsql as $$
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
declare
  partition regclass;
begin
  for partition in
    select i.inhrelid::regclass from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where c.relkind = 'r' and i.inhparent in ('message'::regclass, 'message_content'::regclass, 'attachment'::regclass,
      'attachment_chunk'::regclass, 'recipient'::regclass, 'attempt'::regclass, 'event'::regclass)
  loop
    execute format('alter table %s enable row level security', partition);
  end loop;
  -- Partitions are made with the rights of the tables' owner, by names that no caller can bend.
  execute format('alter function ensure_partitions(date, date) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
revoke execute on function ensure_partitions(date, date) from public;
grant execute on function ensure_partitions(date, date) to lettergate_batch;

create type accept_unit as (
  unit int4, tenant_id uuid, mode text, request_id uuid, n int4, key_hash bytea, body_hash bytea, answer json);
create type accept_message as (
  unit int4, id uuid, stream text, from_address text, from_name text, subject text, tags text[], metadata json,
  send_at timestamptz, connection_id uuid, attachment_count int2, content_bytes int4, document json);
create type accept_recipient as (message_id uuid, position int2, kind text, address text, name text);
create type claim_key as (tenant_id uuid, message_id uuid, epoch int8);
create type claim_fence as (message_id uuid, epoch int8, connection_id uuid, provider text);
create type claim_outcome as (
  tenant_id uuid, message_id uuid, epoch int8, mode text, usage_day text, retry_in_ms float8, give_back int4, number int2,
  connection_id uuid, provider text, started_at timestamptz, outcome text, scope text, reason text,
  provider_message_id text, positions int2[]);
create type claim_change as (
  tenant_id uuid, message_id uuid, position int2, status text, reason text, event text, data json);
create type message_key as (tenant_id uuid, id uuid, position int4);
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

create table route (
  tenant_id uuid not null references tenant (id) on delete cascade,
  id uuid not null,
  -- The lowest that matches decides.
  position integer not null,
  name text not null,
  -- {stream?, tag?, from_domain?, recipient_domain?}: all that is named must fit.
  match json not null,
  strategy text not null check (strategy in ('ordered', 'weighted')),
  -- [{connection_id, weight}], in order. No foreign key: a connection may be deleted, and its place is then skipped.
  targets json not null,
  enabled boolean not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
alter table route enable row level security;
create policy own_rows on route to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
grant select, insert, update, delete on route to lettergate_tenant;
create type claim_outcome_2 as (
  tenant_id uuid, message_id uuid, epoch int8, mode text, usage_day text, retry_in_ms float8, give_back int4, number int2,
  connection_id uuid, provider text, started_at timestamptz, outcome text, scope text, reason text,
  provider_message_id text, positions int2[], code text, choice json);
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      -- What kind of failure it was; null when it was accepted, and for attempts before this migration.
      alter table attempt add column code text,
      -- {rule, route, skipped: [{connection, why}]}
                          add column choice json;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;

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
alter table connection add column if not exists limits json;
alter table outbox add column wait_for uuid, add column wait_why text, add column wait_version integer;
create index outbox_paced on outbox (tenant_id) where phase = 'waiting' and wait_version is not null;
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

do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table outbox in share mode;
      lock table api_key, connection in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
alter table connection add column if not exists limits json;
alter table connection add column if not exists credentials_rotated_at timestamptz;
alter table api_key add column if not exists pepper_version integer;
create index if not exists outbox_waiting_tenant on outbox (tenant_id, message_id) where phase = 'waiting';
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
revoke execute on function rehash_key(bytea, bytea, integer) from public;
grant execute on function rehash_key(bytea, bytea, integer) to lettergate_batch;

do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table outbox in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
alter table outbox add column fence_token int8;
alter table outbox add column paced_ms float8 not null default 0;
create type claim_fence_2 as (message_id uuid, epoch int8, connection_id uuid, provider text, token int8);

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
grant delete, update (at) on connection_event to lettergate_batch;
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
grant update (connections_version) on tenant to lettergate_batch;
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
create type pace_order_2 as (
  tenant_id uuid, connection_id uuid, rate float8, wanted float8, largest float8, per_day int4, wanted_of_day int4, told json, version int4);
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
create or replace function reserve_pace(r pace_order, out start_ms float8, out granted float8, out granted_of_day int4)
language plpgsql as $$
begin
  select g.start_ms, g.granted, g.granted_of_day into reserve_pace.start_ms, reserve_pace.granted, reserve_pace.granted_of_day
  from reserve_pace_2((r.tenant_id, r.connection_id, r.rate, r.wanted, r.largest, r.per_day, r.wanted_of_day, null, null)::pace_order_2) g;
end
$$;
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

grant update (state, opened, retry_at, probe_until, paused_until, pause_reason) on connection_health to lettergate_tenant;
create type claim_outcome_3 as (
  tenant_id uuid, message_id uuid, epoch int8, mode text, usage_day text, retry_in_ms float8, give_back int4, number int2,
  connection_id uuid, provider text, started_at timestamptz, outcome text, scope text, reason text,
  provider_message_id text, positions int2[], code text, choice json, wait_version int4);

create or replace function forget_connection() returns trigger language plpgsql as $$
begin
  delete from connection_health where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_usage where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_event where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_share where tenant_id = old.tenant_id and connection_id = old.id;
  perform pg_notify('lg_connection', old.id::text);
  return null;
end
$$;
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
revoke execute on function forget_gone_connections(uuid, uuid, integer) from public;
grant execute on function forget_gone_connections(uuid, uuid, integer) to lettergate_batch;
create table connection_share (
  tenant_id uuid not null,
  connection_id uuid not null,
  worker text not null,
  -- It may make so many, and has use for so many.
  share integer not null,
  wants integer not null,
  -- By then the others may share out what it had, if it was not heard of since.
  until timestamptz not null,
  primary key (tenant_id, connection_id, worker)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
alter table connection_share enable row level security;
create policy own_rows on connection_share to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on connection_share to lettergate_batch using (true) with check (true);
grant select, delete on connection_share to lettergate_tenant;
grant select, insert, update, delete on connection_share to lettergate_batch;
create type pace_report_2 as (
  tenant_id uuid, connection_id uuid, grow float8, halve int4, concurrency_max float8, pause_ms float8, pause_reason text,
  unused int4, keeps int4, wants int4);
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
create or replace function sync_pace(r pace_report, worker text) returns connection_health language plpgsql as $$
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

create table schema_migration (name text primary key, checksum text not null, applied_at timestamptz not null default now());
insert into schema_migration (name, checksum) values
  ('0001_main_job.sql', ''),
  ('0002_whole_documents.sql', ''),
  ('0003_row_level_security.sql', ''),
  ('0004_batches_of_rows.sql', ''),
  ('0005_routes.sql', ''),
  ('0006_pace.sql', ''),
  ('0007_connections.sql', ''),
  ('0008_fences_and_waits.sql', ''),
  ('0009_limits.sql', ''),
  ('0011_mended_connections.sql', ''),
  ('0013_connections_in_use.sql', '');
