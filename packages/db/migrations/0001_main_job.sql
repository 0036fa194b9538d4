-- Control plane: small tables, ordinary foreign keys.

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

-- Envelope encryption: a data key per tenant, wrapped by the root key, seals that tenant's credentials.
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

-- Hot path. No foreign keys between these tables: one statement writes them together, and a check would be a trigger
-- for every row. Every key carries tenant_id so that a row cannot be reached without it.
-- Large tables are partitioned by range of the message id (UUIDv7, so by day): an id alone finds its partition.

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
-- Of the indexed columns none changes when a queued recipient becomes sent, so that update stays in its page (HOT).
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

-- The backlog: one row for each message that still has something to do. Small, short-lived, vacuumed eagerly.
-- waiting (due later) → ready → claimed (a worker has it) → sending (committed before the first byte) → gone.
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

-- The lowest UUIDv7 of a UTC day.
create function uuid_at_day(day date) returns uuid language sql immutable strict as $$
  select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Creates the daily partitions from first to last day where they are missing, and a default one that catches ids
-- of a badly set clock. Safe to run from many processes at once; a day that cannot be created is tried next time.
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
