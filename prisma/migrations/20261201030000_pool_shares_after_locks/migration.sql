-- As before (20261130020000_pool, section 7), but no join chooses partitions while a statement runs: where the range of ids had left out
-- some at the start, Postgres 18 dropped rows of a statement that had waited for a lock. By an array that Postgres does not look into, a join
-- uses the index alone.
create or replace function take_pool_shares(asks pool_ask[], low uuid, high uuid)
returns table (of_epoch bigint, verdict text, of_day date) language plpgsql as $$
declare
  ask record;
  u usage;
  share real := (select held_share from pool_setting);
  room bigint;
begin
  perform from outbox o where o.message_id in (select k.message_id from unnest(asks) k) order by o.message_id for no key update;
  perform from unnest(asks) k
  join message m on m.tenant_id = k.tenant_id and m.id = any (array_append('{}'::uuid[], k.message_id)) and m.id between low and high
  order by m.id for no key update of m;
  for ask in
    select k.tenant_id, k.message_id, k.epoch, m.mode, m.usage_day, case when m.pool_n > 0 then m.pool_day end as pool_day,
           (select count(*) from recipient r
            where r.tenant_id = k.tenant_id and r.message_id = any (array_append('{}'::uuid[], k.message_id)) and r.message_id between low and high
              and r.status in ('scheduled', 'queued', 'deferred', 'held'))::int4 as n
    from unnest(asks) k
    join message m on m.tenant_id = k.tenant_id and m.id = any (array_append('{}'::uuid[], k.message_id)) and m.id between low and high
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
        where m.tenant_id = ask.tenant_id and m.id = ask.message_id;
        of_day := u.day;
      end if;
    end if;
    return next;
  end loop;
end
$$;
