-- As before (20261201030000_pool_shares_after_locks), message by message: a statement about one id chooses its partition when it begins, and reads by
-- the index, so the ids need no bounds and may be of any days. The join by an array is planned badly before Postgres 18 where the day's partition was
-- empty then.
create function take_pool_shares(asks pool_ask[])
returns table (of_epoch bigint, verdict text, of_day date) language plpgsql as $$
declare
  ask record;
  mail record;
  u usage;
  share real := (select held_share from pool_setting);
  room bigint;
begin
  perform from outbox o where o.message_id in (select k.message_id from unnest(asks) k) order by o.message_id for no key update;
  for ask in select k.tenant_id, k.message_id from unnest(asks) k order by k.message_id loop
    perform from message m where m.tenant_id = ask.tenant_id and m.id = ask.message_id for no key update;
  end loop;
  for ask in
    select k.tenant_id, k.message_id, k.epoch from unnest(asks) k
    join outbox o on o.message_id = k.message_id and o.epoch = k.epoch and o.state = 'claimed' and o.lease_until > now()
    order by k.tenant_id, o.is_bulk, k.message_id
  loop
    select m.mode, m.usage_day, case when m.pool_n > 0 then m.pool_day end as pool_day,
           (select count(*) from recipient r
            where r.tenant_id = ask.tenant_id and r.message_id = ask.message_id
              and r.status in ('scheduled', 'queued', 'deferred', 'held'))::int4 as n
    into mail from message m where m.tenant_id = ask.tenant_id and m.id = ask.message_id;
    continue when not found;
    of_epoch := ask.epoch;
    of_day := mail.pool_day;
    verdict := 'counted';
    if mail.pool_day is null then
      u := lock_usage_day(ask.tenant_id, mail.mode);
      if u.day is null then
        perform open_usage(ask.tenant_id, mail.mode);
        u := lock_usage_day(ask.tenant_id, mail.mode);
      end if;
      room := case when mail.usage_day < u.day then greatest(floor(u.pool_limit * share), least(mail.n, u.pool_limit)) else u.pool_limit end;
      if u.day is null or u.pool + mail.n > room then
        verdict := 'full';
      else
        perform add_usage_day(ask.tenant_id, u.day, mail.mode, 0, mail.n, 0);
        update message m set pool_day = u.day, pool_n = mail.n
        where m.tenant_id = ask.tenant_id and m.id = ask.message_id;
        of_day := u.day;
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- For workers of the version before, which name bounds.
create or replace function take_pool_shares(asks pool_ask[], low uuid, high uuid)
returns table (of_epoch bigint, verdict text, of_day date) language sql as $$
  select * from take_pool_shares(asks)
$$;
