-- Gives tables, types and functions their plain names. Nothing of their content changes. Stop the processes of the version before: their
-- statements name what is renamed here.
alter table outbox rename column paced_ms to throttled_ms;
alter index outbox_paced rename to outbox_throttled;
alter table connection_health rename column told to reported_limits;
alter table connection_usage rename column told_used to reported_used;
alter table connection_usage rename column told_at to reported_at;

drop function reserve_pace_2(pace_order_2);
drop function sync_pace(pace_report, text);
drop type pace_report;
alter type pace_key rename to connection_key;
alter type pace_report_2 rename to health_report;
alter type pace_order_2 rename to rate_order;
alter type rate_order rename attribute told to reported;
alter type pace_wait rename to claim_deferral;
alter type claim_fence_2 rename to claim_fence;
alter type claim_outcome_3 rename to claim_outcome;

-- Reserves sending times and room in the day. `start_ms`: when the first recipient may go out; negative while the burst of one second (at
-- least one recipient) lasts. No reservation starts more than an hour ahead. One that starts within the hour may end after it: a message
-- with more recipients than an hour allows could not go out otherwise (`largest`).
-- 1. The database applies the limits, not each worker: a worker that has not seen a change yet reserves at the same rate as the others.
-- 2. The tenant limits the recipients of this connection in a UTC day; the provider limits those of its account, by any path. A count of
--    the provider holds for an hour; after that, our own count is compared with the provider's limit.
-- 3. Sending times start again with each version of the tenant's connections: by then all waiting messages were released. Two workers
--    that see different rates for a moment do not restart them, or each would get a burst.
-- 4. The first message of a day may exceed the day's limit: it could not go out otherwise.
create function reserve_rate(
  r rate_order, out start_ms float8, out granted float8, out granted_of_day int4, out rate float8, out counts_day boolean)
language plpgsql as $$
declare
  h connection_health := lock_health(r.tenant_id, r.connection_id);
  u connection_usage;
  limits json := coalesce(h.reported_limits, r.reported);
  reported_day int4 := (limits ->> 'perDay')::int4;
  starts timestamptz;
begin
  rate := least(r.rate, (limits ->> 'perSecond')::float8);
  counts_day := coalesce(r.per_day, reported_day) is not null;
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
    set rate = reserve_rate.rate, next_at = starts + granted / reserve_rate.rate * interval '1 s', reported_limits = limits
    where tenant_id = r.tenant_id and connection_id = r.connection_id;
    if r.version > u.version then
      update connection_usage set version = r.version where tenant_id = r.tenant_id and connection_id = r.connection_id;
    end if;
  elsif h.reported_limits is null and limits is not null then
    update connection_health set reported_limits = limits where tenant_id = r.tenant_id and connection_id = r.connection_id;
  end if;
  if counts_day then
    granted_of_day := greatest(0, least(
      r.wanted_of_day,
      case when u.used = 0 and r.per_day < r.largest then r.largest else r.per_day - u.used end,
      reported_day - case when u.reported_at > now() - interval '1 hour' then coalesce(u.reported_used, u.used) else u.used end));
    update connection_usage set day = u.day, used = u.used + granted_of_day, reported_used = u.reported_used + granted_of_day
    where tenant_id = r.tenant_id and connection_id = r.connection_id;
  end if;
end
$$;

-- Applies one worker's changes to a connection and returns its state. Halves the concurrency in use: half of the stored value may still
-- exceed the limit.
create function sync_health(r health_report, worker text) returns connection_health language plpgsql as $$
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
      reported_used = case when u.reported_used is not null then greatest(0, u.reported_used - r.unused) end
    where tenant_id = r.tenant_id and connection_id = r.connection_id;
  end if;
  return h;
end
$$;

-- Deletes what workers wrote about a connection after it was deleted. Checks the next page by key; skips rows that are locked. `next_…` is
-- null at the end. Runs with the owner's rights: workers may not read all connections.
do $$
begin
  execute format($sql$
    create or replace function forget_gone_connections(
      after_tenant uuid, after_connection uuid, page integer, out forgotten integer, out next_tenant uuid, out next_connection uuid)
    language plpgsql security definer set search_path = %I, pg_temp as $body$
    declare
      seen connection_key[];
      gone connection_key[];
    begin
      select array_agg((k.tenant_id, k.connection_id)::connection_key order by k.tenant_id, k.connection_id),
             array_agg((k.tenant_id, k.connection_id)::connection_key) filter (where not exists (
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
