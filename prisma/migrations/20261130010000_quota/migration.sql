-- Four counters in the accept statement: day, month, shared pool, bytes. What is given back returns to the day it was counted on, once; and
-- the ledger of messages can be compared with the counters at any time: docs/decisions/0024-four-counters-in-one-row.md.

-- 1. The UTC day of the database. A function, so that a test can say which day it is.
create function usage_today() returns date language sql stable as $$ select (now() at time zone 'utc')::date $$;

alter table usage
  -- Recipients counted on this day whose message a retry has moved to a later day, and those that stay on this day's pool so.
  add column left_behind integer not null default 0 check (left_behind >= 0),
  add column pool_left_behind integer not null default 0 check (pool_left_behind >= 0);
-- For notices, the proof and the end of a row's time.
create index usage_day on usage (day, tenant_id, mode);

-- The day that has the bytes, where a retry has moved the recipients to another one.
alter table message add column bytes_day date;
grant update (pool_day, pool_n, returned) on message to lettergate_batch;
grant delete on usage to lettergate_batch;

-- 2. Messages that count on another day than the one they were accepted on.
create table usage_moved (
  tenant_id uuid not null,
  day date not null,
  message_id uuid not null,
  primary key (tenant_id, day, message_id)
);
create index usage_moved_day on usage_moved (day);

-- What each connection did on a day, from the feed of that day.
create table usage_connection (
  tenant_id uuid not null,
  day date not null,
  mode text not null,
  connection_id uuid not null,
  sent integer not null,
  bounced integer not null,
  complained integer not null,
  primary key (tenant_id, day, mode, connection_id)
);
create index usage_connection_day on usage_connection (day);

-- A notice that was given: once for each share of a counter, in its day or month.
create table usage_notice (
  tenant_id uuid not null,
  mode text not null,
  counter text not null check (counter in ('day', 'month', 'pool')),
  -- Its first day.
  period date not null,
  percent smallint not null,
  primary key (tenant_id, mode, counter, period, percent)
);
create index usage_notice_period on usage_notice (period);

-- How far the comparison of ledger and counters has come.
create table usage_proof (
  -- day: closed days, all tenants. tenant: the open days, one tenant after the other.
  walk text primary key check (walk in ('day', 'tenant')),
  day date not null,
  reached uuid not null
);
-- Messages of the version before do not say how many recipients they counted: the first day that is proved is the one after this.
insert into usage_proof select walk, usage_today() + 1, '00000000-0000-0000-0000-000000000000' from unnest(array['day', 'tenant']) as walk;

do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['usage_moved', 'usage_connection', 'usage_notice'] loop
    execute format('alter table %I enable row level security', target);
    execute format('create policy own_rows on %I to lettergate_tenant using (tenant_id = %s) with check (tenant_id = %s)',
      target, own_rows, own_rows);
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
    execute format('grant select, insert, update, delete on %I to lettergate_batch', target);
  end loop;
end
$$;
grant select on usage_connection to lettergate_tenant;
grant insert on usage_moved to lettergate_tenant;
alter table usage_proof enable row level security;
create policy all_rows on usage_proof to lettergate_batch using (true) with check (true);
grant select, update on usage_proof to lettergate_batch;

create function note_usage_moved() returns trigger language plpgsql as $$
begin
  insert into usage_moved (tenant_id, day, message_id)
  select distinct new.tenant_id, d, new.id from unnest(array[new.usage_day, new.pool_day]) as d where d is not null
  on conflict do nothing;
  return null;
end
$$;
create trigger message_usage_moved after update of usage_day, pool_day on message for each row
  when (new.usage_day <> old.usage_day or new.pool_day <> old.pool_day or (new.pool_day is not null and old.pool_day is null))
  execute function note_usage_moved();

-- 3. The row that counts now, as before, on the day that `usage_today` says.
create or replace function lock_usage_day(of_tenant uuid, of_mode text) returns usage language plpgsql as $$
declare
  u usage;
  today date := usage_today();
begin
  select * into u from usage where tenant_id = of_tenant and mode = of_mode and day = today for no key update;
  if found and not u.closed and u.day_limit is not null then return u; end if;
  select * into u from usage where tenant_id = of_tenant and mode = of_mode order by day desc limit 1 for no key update;
  if found and u.day >= today and not u.closed and u.day_limit is not null then return u; end if;
  return null;
end
$$;

-- The row of the day that counts now, if it has no limits or does not exist yet. The tenant's row is locked first: two that open take turns,
-- and so does a change of its limits. Every earlier day is closed, also one that the version before began, which closes none.
create or replace function open_usage(of_tenant uuid, of_mode text) returns void language plpgsql as $$
declare
  today date := usage_today();
  newest usage;
  counts date;
  before bigint;
  l record;
begin
  perform from tenant where id = of_tenant for no key update;
  if not found then return; end if;
  select * into l from limits_in_force(of_tenant);
  select * into newest from usage where tenant_id = of_tenant and mode = of_mode order by day desc limit 1 for no key update;
  if found and newest.day >= today and newest.day_limit is not null and not newest.closed then return; end if;
  counts := greatest(newest.day, today);
  if newest.day is distinct from counts then
    insert into usage (tenant_id, day, mode) values (of_tenant, counts, of_mode) on conflict do nothing;
    -- Of the version before, which may have made it meanwhile.
    perform from usage where tenant_id = of_tenant and mode = of_mode and day = counts for no key update;
  end if;
  -- A statement that counts on an earlier day finds that day closed, and its trigger corrects the later days.
  update usage set closed = true where tenant_id = of_tenant and mode = of_mode and day < counts and not closed;
  select coalesce(sum(accepted), 0) into before from usage
  where tenant_id = of_tenant and mode = of_mode and day < counts and day >= date_trunc('month', counts);
  update usage set day_limit = l.day_limit, month_limit = l.month_limit, pool_limit = l.pool_limit, bytes_limit = l.bytes_limit,
                   month_before = before
  where tenant_id = of_tenant and mode = of_mode and day = counts;
end
$$;

-- What changes on a closed day changes the months of the days after it: what is given back, and what the version before still adds there.
create or replace function give_back_month() returns trigger language plpgsql as $$
begin
  perform from usage u
  where u.tenant_id = new.tenant_id and u.mode = new.mode and u.day > new.day and u.day < date_trunc('month', new.day) + interval '1 month'
  order by u.day for no key update;
  -- A further statement, which sees a day that was begun while the one before waited.
  update usage u set month_before = u.month_before + new.accepted - old.accepted
  where u.tenant_id = new.tenant_id and u.mode = new.mode and u.day > new.day and u.day < date_trunc('month', new.day) + interval '1 month';
  return null;
end
$$;
drop trigger usage_give_back_month on usage;
create trigger usage_give_back_month after update of accepted on usage
  for each row when (new.accepted < old.accepted or (new.closed and new.accepted > old.accepted)) execute function give_back_month();

-- 4. Limits in force: the tenant's own, or the plan's.
create function limits_in_force(of_tenant uuid, out day_limit integer, out month_limit bigint, out pool_limit integer, out bytes_limit bigint)
language sql stable as $$
  select t.daily_limit,
         coalesce((t.own_limits ->> 'accepted_per_month')::bigint, p.accepted_per_month),
         coalesce((t.own_limits ->> 'pool_per_day')::integer, p.pool_per_day),
         coalesce((t.own_limits ->> 'bytes_per_day')::bigint, p.bytes_per_day)
  from tenant t join plan p on p.name = t.plan
  where t.id = of_tenant
$$;

-- Raises the limits of the day that counts, if they are higher now; lower ones begin with the next day. The tenant's row is locked.
create function raise_limits(of_tenant uuid) returns void language plpgsql as $$
declare
  l record;
begin
  perform from tenant where id = of_tenant for no key update;
  select * into l from limits_in_force(of_tenant);
  -- Null is no limit, and the highest.
  update usage u set
    day_limit = greatest(u.day_limit, l.day_limit),
    month_limit = case when u.month_limit is null or l.month_limit is null then null else greatest(u.month_limit, l.month_limit) end,
    -- Zero is a pause of the pool, which a plan does not end.
    pool_limit = case when u.pool_limit is null or l.pool_limit is null then null
                      when u.pool_limit = 0 then 0 else greatest(u.pool_limit, l.pool_limit) end,
    bytes_limit = case when u.bytes_limit is null or l.bytes_limit is null then null else greatest(u.bytes_limit, l.bytes_limit) end
  where u.tenant_id = of_tenant and not u.closed and u.day_limit is not null and u.day >= usage_today();
end
$$;

-- Brings a tenant up to its plan: what the operator calls for each tenant of a plan that changed. Safe to run twice.
create function apply_plan(of_tenant uuid) returns void language plpgsql as $$
begin
  update tenant t set daily_limit = coalesce((t.own_limits ->> 'accepted_per_day')::integer, p.accepted_per_day)
  from plan p
  where t.id = of_tenant and p.name = t.plan
    and t.daily_limit is distinct from coalesce((t.own_limits ->> 'accepted_per_day')::integer, p.accepted_per_day);
  perform raise_limits(of_tenant);
end
$$;

-- `daily_limit` and `own_limits` say the same, whichever of them is set.
create function tenant_daily_limit() returns trigger language plpgsql as $$
declare
  of_plan integer;
  due integer;
begin
  select p.accepted_per_day into of_plan from plan p where p.name = new.plan;
  due := coalesce((new.own_limits ->> 'accepted_per_day')::integer, of_plan);
  if new.daily_limit = due then return new; end if;
  if tg_op = 'INSERT' and not new.own_limits ? 'accepted_per_day'
     or tg_op = 'UPDATE' and new.daily_limit <> old.daily_limit and new.plan = old.plan and new.own_limits = old.own_limits then
    new.own_limits := new.own_limits || jsonb_build_object('accepted_per_day', new.daily_limit);
  else
    new.daily_limit := due;
  end if;
  return new;
end
$$;
create trigger tenant_daily_limit before insert or update of plan, own_limits, daily_limit on tenant
  for each row execute function tenant_daily_limit();
create function tenant_limits_changed() returns trigger language plpgsql as $$
begin
  perform raise_limits(new.id);
  return null;
end
$$;
create trigger tenant_limits_changed after update of plan, own_limits, daily_limit on tenant for each row
  when (new.plan <> old.plan or new.own_limits <> old.own_limits or new.daily_limit <> old.daily_limit) execute function tenant_limits_changed();

-- 5. What accept is given: as before, with the pool's way of each message and the version of the connections that it was judged by.
create type accept_unit_2 as (
  unit int4, tenant_id uuid, mode text, request_id uuid, key_hash bytea, body_hash bytea, answer json, connections_version int4);
create type accept_message_3 as (
  unit int4, id uuid, stream text, from_address text, from_name text, subject text, tags text[], metadata json, send_at timestamptz,
  connection_id uuid, attachment_count int2, content_bytes int4, document json, callback_url text, recipient_count int2, pool text,
  overflow text);
-- A message that wants room, with the sums of its unit: recipients, bytes, and recipients that the pool alone can carry and that do not wait.
create type admit_ask as (
  unit int4, message_id uuid, n int4, pool text, overflow text, unit_n int8, unit_bytes int8, unit_must int8);

-- Gives out what is left, where it is not enough for all. The asks come with the smallest units first, so that what is refused is always more
-- than what is left. Answers for each message: own, pool, hold; or the counter that refuses its unit: day, month, bytes, no-pool.
create function admit_units(asks admit_ask[], day_rest bigint, month_rest bigint, pool_rest bigint, bytes_rest bigint)
returns table (unit int4, message_id uuid, verdict text) language plpgsql immutable as $$
declare
  a admit_ask;
  current int4;
  -- Null: admitted.
  refused text;
  may admit_ask[] := '{}';
begin
  foreach a in array asks loop
    if current is distinct from a.unit then
      current := a.unit;
      refused := case when a.unit_n > day_rest then 'day' when a.unit_n > month_rest then 'month'
                      when a.unit_bytes > bytes_rest then 'bytes' when a.unit_must > pool_rest then 'no-pool' end;
      if refused is null then
        day_rest := day_rest - a.unit_n;
        month_rest := month_rest - a.unit_n;
        bytes_rest := bytes_rest - a.unit_bytes;
      end if;
    end if;
    unit := a.unit;
    message_id := a.message_id;
    if refused is not null then
      verdict := refused;
      return next;
    elsif a.pool = 'no' then
      verdict := 'own';
      return next;
    elsif a.pool = 'may' then
      may := may || a;
    elsif a.n <= pool_rest then
      pool_rest := pool_rest - a.n;
      verdict := 'pool';
      return next;
    else
      verdict := 'hold';
      return next;
    end if;
  end loop;
  -- Last, since an own connection carries these as well.
  foreach a in array may loop
    unit := a.unit;
    message_id := a.message_id;
    verdict := case when a.n <= pool_rest then 'pool' else 'own' end;
    if verdict = 'pool' then pool_rest := pool_rest - a.n; end if;
    return next;
  end loop;
end
$$;

-- 6. A retry counts the recipients that had failed anew, on the day that counts now, and takes those along that still wait or may have been
-- sent; what was sent stays where it is. The pool's share of those that wait is given back: whoever hands the message off takes it anew.
-- `reserved` null: `open_usage` first. The message is locked.
create function move_usage(of_tenant uuid, of_message uuid, failed integer, waiting integer, uncertain integer,
                           out reserved boolean, out refused_by text, out wanted integer, out g usage)
language plpgsql as $$
declare
  m message;
  moves boolean;
  leaves_month boolean;
begin
  select * into m from message where tenant_id = of_tenant and id = of_message;
  -- In the order in which a statement that gives back locks them.
  perform from usage u where u.tenant_id = of_tenant and u.mode = m.mode and u.day >= least(m.usage_day, m.pool_day)
  order by u.day for no key update;
  g := lock_usage_day(of_tenant, m.mode);
  if g.day is null then return; end if;
  moves := m.usage_day <> g.day;
  leaves_month := date_trunc('month', m.usage_day) <> date_trunc('month', g.day);
  wanted := failed + case when moves then waiting + uncertain else 0 end;
  refused_by := case
    when g.accepted + wanted > g.day_limit then 'day'
    when g.month_before + g.accepted + case when leaves_month then wanted else failed end > g.month_limit then 'month' end;
  reserved := refused_by is null;
  if not reserved then return; end if;
  if moves then
    update usage u set accepted = u.accepted - waiting - uncertain,
                       left_behind = u.left_behind + greatest(coalesce(m.recipient_count - m.returned - waiting - uncertain, 0), 0)
    where u.tenant_id = of_tenant and u.mode = m.mode and u.day = m.usage_day;
  end if;
  if m.pool_day is not null then
    update usage u set pool = u.pool - least(waiting, m.pool_n),
                       pool_left_behind = u.pool_left_behind + greatest(m.pool_n - waiting, 0)
    where u.tenant_id = of_tenant and u.mode = m.mode and u.day = m.pool_day;
  end if;
  g := add_usage_day(of_tenant, g.day, m.mode, wanted, 0, 0);
  update message set pool_day = null, pool_n = null,
    usage_day = g.day, bytes_day = case when moves then coalesce(bytes_day, m.usage_day) else bytes_day end,
    recipient_count = case when moves then wanted else recipient_count end,
    returned = case when moves then 0 else greatest(returned - failed, 0) end
  where tenant_id = of_tenant and id = of_message;
end
$$;

-- 7. The first id of this moment.
create function uuid_at(moment timestamptz) returns uuid language sql immutable as $$
  select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
