-- Plans as data, four counters of usage, and a log of every change that people make.

-- 1. Plans. Null: no limit.
create table plan (
  name text primary key check (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  description text not null default '',
  -- Recipients, of live and of test messages apart.
  accepted_per_day integer not null check (accepted_per_day >= 0),
  accepted_per_month bigint check (accepted_per_month >= 0),
  -- Recipients through the shared pool.
  pool_per_day integer check (pool_per_day >= 0),
  -- Bytes of content stored.
  bytes_per_day bigint check (bytes_per_day >= 0),
  requests_per_second integer check (requests_per_second > 0),
  recipients_per_message integer not null default 1000 check (recipients_per_message > 0),
  message_bytes integer not null default 41943040 check (message_bytes > 0),
  -- Days after which content is deleted, and after which nothing of a message is left.
  content_days integer not null check (content_days > 0),
  record_days integer not null check (record_days >= content_days),
  -- {connections, routes, endpoints, domains, keys, …}: how many of each; absent: the gateway's own maximum.
  resources jsonb not null default '{}',
  -- {protocols, hosts, ports}; null: the public internet.
  egress jsonb,
  features text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
insert into plan (name, description, accepted_per_day, accepted_per_month, pool_per_day, bytes_per_day, requests_per_second,
                  recipients_per_message, message_bytes, content_days, record_days)
values
  ('free', 'For trying out and small apps', 200, null, 200, 1073741824, 20, 100, 26214400, 7, 30),
  ('standard', 'For one product', 50000, null, 1000, 53687091200, 200, 1000, 41943040, 30, 90),
  ('scale', 'For many products', 1000000, null, 1000, 1099511627776, 2000, 1000, 41943040, 30, 90);

-- Plans of earlier tenants that are not among these keep their limit a day, which stands on the tenant.
insert into plan (name, accepted_per_day, bytes_per_day, content_days, record_days)
select distinct on (plan) plan, daily_limit, 53687091200, 30, 90 from tenant where plan not in (select name from plan) order by plan, daily_limit
on conflict do nothing;
alter table tenant drop constraint if exists tenant_plan_check;
alter table tenant add constraint tenant_plan_fkey foreign key (plan) references plan (name);
-- Limits of this tenant alone, by the names of the plan's columns. `daily_limit` is the one for a day in force: the tenant's own, or the plan's.
alter table tenant add column own_limits jsonb not null default '{}';
update tenant t set own_limits = jsonb_build_object('accepted_per_day', t.daily_limit)
from plan p where p.name = t.plan and p.accepted_per_day <> t.daily_limit;

grant select on plan to lettergate_tenant, lettergate_batch;
grant select (own_limits) on tenant to lettergate_tenant;
grant select (plan, own_limits) on tenant to lettergate_batch;

-- 2. Four counters in one row a day, with the limits in force on that day. Null limits: of the version before this one, not yet set.
alter table usage
  add column month_before bigint not null default 0,
  add column pool integer not null default 0 check (pool >= 0),
  add column bytes bigint not null default 0 check (bytes >= 0),
  add column day_limit integer,
  add column month_limit bigint,
  add column pool_limit integer,
  add column bytes_limit bigint,
  -- A later day has begun.
  add column closed boolean not null default false;
-- Newest day first by equality of tenant and mode.
create unique index usage_newest on usage (tenant_id, mode, day);

-- The day whose pool share this message was counted on, and how many of its recipients still are; null: not on the pool.
alter table message
  add column pool_day date,
  add column pool_n smallint,
  -- Recipients that were counted, and how many of them were given back.
  add column recipient_count smallint,
  add column returned smallint not null default 0;

-- The row that counts now, locked: today's; or the newest, where that is later, since days never go backwards. Null: `open_usage` first.
create function lock_usage_day(of_tenant uuid, of_mode text) returns usage language plpgsql as $$
declare
  u usage;
  today date := (now() at time zone 'utc')::date;
begin
  select * into u from usage where tenant_id = of_tenant and mode = of_mode and day = today for no key update;
  if found and not u.closed and u.day_limit is not null then return u; end if;
  select * into u from usage where tenant_id = of_tenant and mode = of_mode order by day desc limit 1 for no key update;
  if found and u.day >= today and not u.closed and u.day_limit is not null then return u; end if;
  return null;
end
$$;

create function add_usage_day(of_tenant uuid, on_day date, of_mode text, n integer, of_pool integer, of_bytes bigint) returns usage
language plpgsql as $$
declare
  u usage;
begin
  update usage set accepted = usage.accepted + n, pool = usage.pool + of_pool, bytes = usage.bytes + of_bytes
  where tenant_id = of_tenant and day = on_day and mode = of_mode
  returning * into u;
  return u;
end
$$;

-- Makes today's row with the limits of the plan, and closes the one before it. Invariant: `month_before` of a day is the sum of `accepted`
-- over the earlier days of its month.
create function open_usage(of_tenant uuid, of_mode text) returns void language plpgsql as $$
declare
  today date := (now() at time zone 'utc')::date;
  newest usage;
  l record;
  before bigint;
begin
  -- Shared, so that a change of the plan either meets the row or its making.
  select t.daily_limit as day_limit,
         coalesce((t.own_limits ->> 'accepted_per_month')::bigint, p.accepted_per_month) as month_limit,
         coalesce((t.own_limits ->> 'pool_per_day')::integer, p.pool_per_day) as pool_limit,
         coalesce((t.own_limits ->> 'bytes_per_day')::bigint, p.bytes_per_day) as bytes_limit
  into l
  from tenant t join plan p on p.name = t.plan
  where t.id = of_tenant
  for share of t;
  if not found then return; end if;
  select * into newest from usage where tenant_id = of_tenant and mode = of_mode order by day desc limit 1 for no key update;
  if found and newest.day >= today and newest.day_limit is not null then return; end if;
  select coalesce(sum(accepted), 0) into before from usage
  where tenant_id = of_tenant and mode = of_mode and day < greatest(newest.day, today) and day >= date_trunc('month', greatest(newest.day, today));
  if newest.day >= today then
    update usage set day_limit = l.day_limit, month_limit = l.month_limit, pool_limit = l.pool_limit, bytes_limit = l.bytes_limit,
                     month_before = before
    where tenant_id = of_tenant and mode = of_mode and day = newest.day;
    return;
  end if;
  update usage set closed = true where tenant_id = of_tenant and mode = of_mode and day = newest.day;
  insert into usage (tenant_id, day, mode, month_before, day_limit, month_limit, pool_limit, bytes_limit)
  values (of_tenant, today, of_mode, before, l.day_limit, l.month_limit, l.pool_limit, l.bytes_limit)
  on conflict do nothing;
end
$$;

-- What is given back to an earlier day leaves the months of the days after it too, whichever statement gave it back. The later rows are locked
-- first, so that the update sees a day that was begun meanwhile.
create function give_back_month() returns trigger language plpgsql as $$
begin
  perform from usage u
  where u.tenant_id = new.tenant_id and u.mode = new.mode and u.day > new.day and u.day < date_trunc('month', new.day) + interval '1 month'
  order by u.day for no key update;
  update usage u set month_before = u.month_before - (old.accepted - new.accepted)
  where u.tenant_id = new.tenant_id and u.mode = new.mode and u.day > new.day and u.day < date_trunc('month', new.day) + interval '1 month';
  return null;
end
$$;
create trigger usage_give_back_month after update of accepted on usage
  for each row when (new.accepted < old.accepted) execute function give_back_month();

-- 3. Every change that people make: who, what, before and after. Written by triggers, so that no way to a table goes past it.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- Null: a change of the operator's own.
  tenant_id uuid,
  -- {kind: key, admin, cli or system, key_id?, request_id?, address?}
  actor jsonb not null,
  -- created, updated or deleted.
  action text not null check (action in ('created', 'updated', 'deleted')),
  -- The table, and the id of the row there.
  target text not null,
  target_id text not null,
  -- Only what changed. Secrets are left out, and named with null.
  before jsonb,
  after jsonb
);
create index audit_log_tenant on audit_log (tenant_id, id);
create index audit_log_target on audit_log (target, target_id, id);
alter table audit_log enable row level security;
create policy own_rows on audit_log for select to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on audit_log to lettergate_batch using (true) with check (true);
grant select on audit_log to lettergate_tenant, lettergate_batch;

-- Arguments: the columns that are secret, and those that change by themselves. `lettergate.actor` says who, for as long as the transaction.
do $$
begin
  execute format($sql$
    create function audit_change() returns trigger language plpgsql security definer set search_path = %I, pg_temp as $body$
    declare
      secret text[] := string_to_array(tg_argv[0], ',');
      own text[] := string_to_array(tg_argv[1], ',');
      was jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) - own end;
      is_now jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) - own end;
      row jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
      before jsonb;
      after jsonb;
    begin
      select jsonb_object_agg(key, case when key = any (secret) then 'null' else was -> key end) filter (where was ? key),
             jsonb_object_agg(key, case when key = any (secret) then 'null' else is_now -> key end) filter (where is_now ? key)
      into before, after
      from jsonb_object_keys(was || is_now) as key
      where was -> key is distinct from is_now -> key;
      if before is null and after is null then return null; end if;
      insert into audit_log (tenant_id, actor, action, target, target_id, before, after)
      values (case when tg_table_name = 'tenant' then row ->> 'id' else row ->> 'tenant_id' end::uuid,
              coalesce(nullif(current_setting('lettergate.actor', true), '')::jsonb, '{"kind": "system"}'),
              case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end,
              tg_table_name, coalesce(row ->> 'id', row ->> 'connection_id', row ->> 'name', row ->> 'mode', ''), before, after);
      return null;
    end
    $body$
  $sql$, current_schema());
end
$$;

-- For migrations: logs the changes of a table from now on.
create procedure audit_table(target regclass, secret text[] default '{}', own text[] default '{}') language plpgsql as $$
begin
  execute format('create trigger audit after insert or update or delete on %s for each row execute function audit_change(%L, %L)',
    target, array_to_string(secret, ','), array_to_string(own || array['updated_at'], ','));
end
$$;
call audit_table('plan');
call audit_table('tenant', own => array['connections_version', 'released_version']);
call audit_table('api_key', secret => array['hash'], own => array['pepper_version']);
call audit_table('connection', secret => array['sealed_credentials'], own => array['data_key_version']);
call audit_table('route');
call audit_table('endpoint', secret => array['sealed_secrets'], own => array['data_key_version']);
call audit_table('default_secret', secret => array['sealed_secrets'], own => array['data_key_version']);
call audit_table('hook', secret => array['sealed_secrets'],
  own => array['data_key_version', 'version', 'last_event_at', 'refused', 'last_refused_at', 'last_refusal', 'retire_at', 'old_registrations']);

-- 4. Keys that could do everything a tenant can go on to do so.
update api_key set scopes = scopes || array['usage:read', 'settings:read', 'settings:write', 'keys:read', 'keys:write', 'domains:read',
  'domains:write', 'audit:read', 'smtp-credentials:read', 'smtp-credentials:write', 'inbound:read', 'inbound:write']
where scopes @> array['messages:send', 'messages:read', 'messages:write', 'connections:read', 'connections:write', 'events:read'];

-- 5. Domains that a tenant has proved to be its own; the migration of domains replaces the body.
create function proved_domains(of_tenant uuid) returns text[] language sql stable as 'select array[]::text[]';
