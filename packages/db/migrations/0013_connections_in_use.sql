-- What workers share of connections follows who uses them: it goes with a connection that is deleted, and calls at once are given out
-- to the workers that have use for them. Nothing here takes a lock that others notice: no table is changed.

-- As in 0009; and workers hear that it is gone, so that none counts it as open or paused any more.
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
revoke execute on function forget_gone_connections(uuid, uuid, integer) from public;
grant execute on function forget_gone_connections(uuid, uuid, integer) to lettergate_batch;

-- Calls at once that each worker may make through a connection of which the tenant or the provider limits them; the sum is never more
-- than the limit, but for what a worker that was not heard of for the length of its lease may still have under way. A table of its own, since it may not vanish with connection_health, and sessions of the version before have
-- planned on the row type of that.
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

-- As pace_report, with the part of the calls at once that the worker keeps, come what may, and how many it has use for; null: nobody
-- limits them. The version before goes on with pace_report, and with sharing them out by the number of workers.
create type pace_report_2 as (
  tenant_id uuid, connection_id uuid, grow float8, halve int4, concurrency_max float8, pause_ms float8, pause_reason text,
  unused int4, keeps int4, wants int4);

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

-- As in 0009, but halved is what was in use: half of what nobody knows the bound of may be more than the bound.
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
