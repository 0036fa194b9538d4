-- The shared pool: the operator's connections, which every tenant may send through.

-- 1. The connections, their health and their limits belong to one tenant of the operator's. It has no keys and sends nothing itself.
insert into plan (name, description, accepted_per_day, content_days, record_days)
values ('operator', 'Of the gateway itself: no tenant sends by it', 0, 30, 90) on conflict do nothing;
insert into tenant (id, name, plan, daily_limit) values ('00000000-0000-0000-0000-000000000001', 'Shared pool', 'operator', 0);

-- 2. What a tenant chooses, and how much the operator allows it.
alter table tenant
  -- Without a route: the pool after the tenant's own connections, before them, or not at all.
  add column pool text not null default 'last' check (pool in ('first', 'last', 'never')),
  -- Without room in the pool: a message that only the pool can carry is refused, or held until there is room.
  add column overflow text not null default 'reject' check (overflow in ('reject', 'hold')),
  -- Recipients a day by the pool, below what the plan allows: a new tenant's, or the operator's choice. Null: none.
  add column pool_ceiling integer check (pool_ceiling >= 0),
  -- Whether the ceiling rises by itself with good days.
  add column pool_ramp boolean not null default false;
grant select (pool, overflow, pool_ceiling, retry_hours), update (pool, overflow, on_unknown, retry_hours) on tenant to lettergate_tenant;
grant select (pool, overflow, pool_ceiling, pool_ramp, name, created_at), update (pool_ceiling, pool_ramp) on tenant to lettergate_batch;

-- 3. One row: what the operator set for the pool as a whole.
create table pool_setting (
  id boolean primary key default true check (id),
  -- The address that tenants without a proved domain may send from.
  default_from text,
  -- The part of a day's share that mail held since earlier days may use; the rest is for new mail.
  held_share real not null default 0.8 check (held_share > 0 and held_share <= 1),
  -- When mail of a tenant is stopped; see docs/guides/pool.md.
  window_days integer not null default 7 check (window_days between 1 and 8),
  recipients_min integer not null default 50 check (recipients_min > 0),
  bounces_min integer not null default 5 check (bounces_min > 0),
  complaints_min integer not null default 3 check (complaints_min > 0),
  bounces_warn real not null default 0.05,
  bounces_pause real not null default 0.1,
  complaints_warn real not null default 0.001,
  complaints_pause real not null default 0.003,
  -- Of tenants that are younger than 30 days, within 24 hours.
  new_bounces integer not null default 25 check (new_bounces > 0),
  new_complaints integer not null default 5 check (new_complaints > 0),
  -- Recipients on the first day of a tenant that is made from now on; null: what its plan allows.
  ramp_from integer check (ramp_from > 0),
  updated_at timestamptz not null default now()
);
insert into pool_setting default values;
grant select on pool_setting to lettergate_tenant, lettergate_batch;
grant update on pool_setting to lettergate_batch;
call audit_table('pool_setting');

-- 4. How a tenant's mail through the pool is received. A bounce counts in the hour in which its message was sent.
create table reputation_hour (
  tenant_id uuid not null references tenant on delete cascade,
  hour timestamptz not null,
  handed integer not null default 0,
  bounced_hard integer not null default 0,
  -- Refused because of the sender, by a list for instance.
  bounced_block integer not null default 0,
  complained integer not null default 0,
  -- What came since the tenant was last looked at.
  unseen integer not null default 0,
  primary key (tenant_id, hour)
);
create index reputation_hour_unseen on reputation_hour (tenant_id) where unseen > 0;
create index reputation_hour_hour on reputation_hour (hour);

create table abuse_state (
  tenant_id uuid primary key references tenant on delete cascade,
  state text not null check (state in ('ok', 'warned', 'paused')),
  since timestamptz not null default now(),
  -- rule or operator.
  by text not null,
  why text not null,
  -- Earlier mail is not looked at any more, since the operator released the tenant.
  window_from timestamptz not null default '-infinity',
  looked_at timestamptz,
  -- The day up to which the ramp has counted good days.
  ramp_day date
);
create index abuse_state_paused on abuse_state (tenant_id) where state = 'paused';
call audit_table('abuse_state', own => array['looked_at', 'ramp_day']);

-- 5. Which tenant's message a connection of the pool carried: its provider's events name no tenant.
create table pool_message (
  message_id uuid not null,
  connection_id uuid not null,
  tenant_id uuid not null,
  provider_message_id text,
  sent_at timestamptz not null default now(),
  primary key (message_id, connection_id)
);
create index pool_message_provider on pool_message (provider_message_id) where provider_message_id is not null;
create index pool_message_sent on pool_message (sent_at);

do $$
declare
  target text;
begin
  foreach target in array array['reputation_hour', 'abuse_state', 'pool_message'] loop
    execute format('alter table %I enable row level security', target);
    execute format('create policy own_rows on %I for select to lettergate_tenant
      using (tenant_id = nullif(current_setting(''lettergate.tenant'', true), '''')::uuid)', target);
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
    execute format('grant select, insert, update, delete on %I to lettergate_batch', target);
  end loop;
end
$$;
grant select on reputation_hour, abuse_state to lettergate_tenant;

-- 6. The share of a day is never above the ceiling, and 0 while the pool is paused for the tenant, whichever statement sets it.
create function cap_pool_limit() returns trigger language plpgsql as $$
declare
  cap integer;
begin
  select case when exists (select from abuse_state a where a.tenant_id = t.id and a.state = 'paused') then 0 else t.pool_ceiling end
  into cap from tenant t where t.id = new.tenant_id;
  new.pool_limit := least(new.pool_limit, cap);
  return new;
end
$$;
create trigger usage_cap_pool before insert or update of pool_limit on usage
  for each row execute function cap_pool_limit();

-- Sets today's share anew from the plan, the tenant's own limit and the ceiling: what the operator or the rule changed holds at once.
create function renew_pool_limit(of_tenant uuid) returns void language plpgsql as $$
declare
  plan_limit integer;
begin
  select coalesce((t.own_limits ->> 'pool_per_day')::integer, p.pool_per_day) into plan_limit
  from tenant t join plan p on p.name = t.plan where t.id = of_tenant for share of t;
  update usage set pool_limit = plan_limit
  where tenant_id = of_tenant and not closed and day >= (now() at time zone 'utc')::date and day_limit is not null;
end
$$;

-- 7. Reserves a share of today's pool for claimed messages that are about to be sent through it without one. Rows of the
-- backlog are locked first, then messages, and usage last, as everywhere. A message that has its share already keeps it, however often this runs; one
-- whose claim is lost gets none.
create type pool_ask as (tenant_id uuid, message_id uuid, epoch bigint);
create function take_pool_shares(asks pool_ask[], low uuid, high uuid)
returns table (of_epoch bigint, verdict text, of_day date) language plpgsql as $$
declare
  ask record;
  u usage;
  share real := (select held_share from pool_setting);
  room bigint;
begin
  perform from outbox o where o.message_id in (select k.message_id from unnest(asks) k) order by o.message_id for no key update;
  perform from message m
  where (m.tenant_id, m.id) in (select k.tenant_id, k.message_id from unnest(asks) k) and m.id between low and high
  order by m.id for no key update;
  for ask in
    select k.tenant_id, k.message_id, k.epoch, m.mode, m.usage_day, case when m.pool_n > 0 then m.pool_day end as pool_day,
           (select count(*) from recipient r
            where r.tenant_id = m.tenant_id and r.message_id = m.id and r.message_id between low and high
              and r.status in ('scheduled', 'queued', 'deferred', 'held'))::int4 as n
    from unnest(asks) k
    join message m on m.tenant_id = k.tenant_id and m.id = k.message_id and m.id between low and high
    join outbox o on o.message_id = k.message_id and o.epoch = k.epoch and o.state = 'claimed' and o.lease_until > now()
    order by k.tenant_id, m.stream desc, k.message_id
  loop
    of_epoch := ask.epoch;
    of_day := ask.pool_day;
    verdict := 'counted';
    if ask.pool_day is null then
      u := lock_usage_day(ask.tenant_id, ask.mode);
      if u.day is null then
        perform open_usage(ask.tenant_id, ask.mode);
        u := lock_usage_day(ask.tenant_id, ask.mode);
      end if;
      room := case when ask.usage_day < u.day then greatest(floor(u.pool_limit * share), least(ask.n, u.pool_limit)) else u.pool_limit end;
      if u.day is null or u.pool + ask.n > room then
        verdict := 'full';
      else
        perform add_usage_day(ask.tenant_id, u.day, ask.mode, 0, ask.n, 0);
        update message m set pool_day = u.day, pool_n = ask.n
        where m.tenant_id = ask.tenant_id and m.id = ask.message_id and m.id between low and high;
        of_day := u.day;
      end if;
    end if;
    return next;
  end loop;
end
$$;
grant update (pool_day, pool_n, returned) on message to lettergate_batch;

-- 8. New tenants begin with the ceiling that the operator set for them.
create function begin_ramp() returns trigger language plpgsql as $$
begin
  select ramp_from, ramp_from is not null into new.pool_ceiling, new.pool_ramp from pool_setting where new.pool_ceiling is null;
  new.pool_ramp := coalesce(new.pool_ramp, false);
  return new;
end
$$;
create trigger tenant_begin_ramp before insert on tenant for each row execute function begin_ramp();

-- 9. What a recorded outcome has to do with the pool.
create type pool_part as (tenant_id uuid, message_id uuid, by_pool smallint, holds smallint);

-- 10. A decision holds at once: today's share follows the state and the ceiling.
create function follow_pool_state() returns trigger language plpgsql as $$
begin
  perform renew_pool_limit(case tg_table_name when 'tenant' then (to_jsonb(new) ->> 'id')::uuid else (to_jsonb(new) ->> 'tenant_id')::uuid end);
  return null;
end
$$;
create trigger abuse_state_limit after insert or update of state on abuse_state for each row execute function follow_pool_state();
create trigger tenant_ceiling_limit after update of pool_ceiling on tenant for each row
  when (new.pool_ceiling is distinct from old.pool_ceiling) execute function follow_pool_state();

-- 11. An event of one of the pool's connections.
create type pool_event_key as (n int4, connection_id uuid, message_id uuid, provider_message_id text);
