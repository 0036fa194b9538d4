-- Inbound mail: which addresses are received for, the mails as they came, the work that they are, and mailboxes.

create table mailbox (
  tenant_id uuid not null references tenant on delete cascade,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  name text not null,
  created_at timestamptz(3) not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, mode, name)
);

-- Looked at in the order of position and id; the first that matches decides.
create table inbound_route (
  tenant_id uuid not null references tenant on delete cascade,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  position integer not null,
  name text not null,
  -- Null: at the tenant's own address under the operator's domain. Otherwise a domain that the tenant has proved.
  domain text collate "C" check (domain = lower(domain)),
  -- {kind: address, tag, wildcard, regex or all, value}
  match json not null,
  -- [{type: post, store, forward or drop, …}]
  actions json not null,
  enabled boolean not null default true,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (tenant_id, id)
);
create index inbound_route_domain on inbound_route (domain) where domain is not null;

-- The part of an address under the operator's domain that names a tenant and mode.
create table inbound_address (
  token text collate "C" primary key,
  tenant_id uuid not null references tenant on delete cascade,
  mode text not null check (mode in ('live', 'test')),
  created_at timestamptz(3) not null default now(),
  unique (tenant_id, mode)
);

-- One mail for one recipient. Partitioned by the day of its id, and dropped by day.
create table inbound_message (
  tenant_id uuid not null,
  id uuid not null,
  mode text not null,
  -- route: for a route; bounce, reply: to an address of ours, which names a message and the position of its recipient.
  kind text not null check (kind in ('route', 'bounce', 'reply')),
  route_id uuid,
  about_id uuid,
  about_position smallint,
  raw_id uuid not null,
  sender text not null,
  recipient text not null,
  -- Of the session.
  remote_address text not null,
  helo text not null,
  is_tls boolean not null,
  bytes integer not null,
  received_at timestamptz(3) not null default now(),
  state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  -- Why it could not be read, or not as a whole.
  parse_error text,
  -- What was read, and what was found out about its sender.
  content json,
  -- [{type, state, detail, …}]
  actions json not null default '[]',
  mailbox_id uuid,
  read_at timestamptz(3),
  primary key (tenant_id, id)
) partition by range (id);
create index inbound_message_mailbox on inbound_message (tenant_id, mailbox_id, id) where mailbox_id is not null;
create index inbound_message_raw on inbound_message (tenant_id, raw_id);

-- The bytes of a mail, once for all its recipients of one tenant.
create table inbound_raw (
  tenant_id uuid not null,
  id uuid not null,
  raw bytea not null,
  primary key (tenant_id, id)
) partition by range (id);
do $$
begin
  execute 'alter table inbound_raw alter column raw set compression lz4';
exception when feature_not_supported then
  raise notice 'this Postgres was built without lz4: received mails are compressed by pglz';
end
$$;

-- Those that are still to be read and acted on: narrow, and gone soon.
create table inbound_due (
  id uuid primary key,
  tenant_id uuid not null,
  bytes integer not null,
  due_at timestamptz not null default now(),
  tries smallint not null default 0,
  epoch bigint not null default 0,
  lease_until timestamptz,
  -- Another one for each replay: what it does is then no repeat.
  run bigint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index inbound_due_at on inbound_due (due_at);

-- Repeats of a mail to a recipient, for a day: the sending server had no answer.
create table inbound_seen (
  tenant_id uuid not null,
  recipient text collate "C" not null,
  raw_hash bytea not null,
  at timestamptz not null default now(),
  primary key (tenant_id, recipient, raw_hash)
);
create index inbound_seen_at on inbound_seen (at);

create type inbound_row as (
  tenant_id uuid, id uuid, mode text, kind text, route_id uuid, about_id uuid, about_position int2, raw_id uuid, raw_hash bytea, sender text,
  recipient text, remote_address text, helo text, is_tls int2, bytes int4);
create type inbound_result as (
  tenant_id uuid, id uuid, epoch int8, state text, parse_error text, content json, actions json, mailbox_id uuid, event text, event_data json);
create type inbound_post as (inbound_id uuid, tenant_id uuid, mode text, id uuid, url text, target uuid, seq int8, type int2);
create type inbound_raw_row as (tenant_id uuid, id uuid, raw bytea);

select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 8);

-- As drop_day_partitions, for tables whose days are those of an id.
create function drop_id_partitions(parent text, first_kept date) returns integer language plpgsql as $$
declare
  name text;
  dropped integer := 0;
begin
  if parent not in ('inbound_message', 'inbound_raw') then raise exception '% is not dropped by day', parent; end if;
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
  execute format('delete from %I where id < $1', parent || '_default') using uuid_at_day(first_kept);
  return dropped;
exception when lock_not_available or deadlock_detected then
  return 0;
end
$$;
do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  execute format('alter function drop_id_partitions(text, date) security definer set search_path = %I, pg_temp', current_schema());
  foreach target in array array['mailbox', 'inbound_route', 'inbound_address', 'inbound_message', 'inbound_raw', 'inbound_due', 'inbound_seen'] loop
    execute format('alter table %I enable row level security', target);
    execute format('create policy own_rows on %I to lettergate_tenant using (tenant_id = %s) with check (tenant_id = %s)',
      target, own_rows, own_rows);
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
end
$$;
revoke execute on function drop_id_partitions(text, date) from public;
grant execute on function drop_id_partitions(text, date) to lettergate_batch;
grant execute on function proved_domains(uuid) to lettergate_tenant, lettergate_batch;
grant select, insert, update, delete on mailbox, inbound_route to lettergate_tenant;
grant select, insert on inbound_address to lettergate_tenant;
grant select, update, delete on inbound_message to lettergate_tenant;
grant select, delete on inbound_raw to lettergate_tenant;
grant select, insert, delete on inbound_due to lettergate_tenant;
grant select on mailbox, inbound_route, inbound_address to lettergate_batch;
grant select, insert, update on inbound_message to lettergate_batch;
grant select, insert on inbound_raw to lettergate_batch;
grant select, insert, update, delete on inbound_due, inbound_seen to lettergate_batch;

call audit_table('mailbox');
call audit_table('inbound_route');
