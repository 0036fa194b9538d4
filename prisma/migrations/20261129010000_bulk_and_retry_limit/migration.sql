-- Bulk mail waits for transactional mail of the same tenant, and each tenant has a retry limit of its own.
-- The version before goes on serving: its messages count as transactional, and until it is replaced each of its claims sorts what one
-- tenant has ready. Messages that were accepted before keep their place as transactional ones.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table tenant, outbox in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;

alter table outbox add column is_bulk boolean not null default false;

-- In place of the two indexes without the column, so accepting and claiming a message write no more of them.
drop index outbox_ready, outbox_held;
create index outbox_ready on outbox (tenant_id, is_bulk, message_id) where phase = 'ready';
create index outbox_held on outbox (tenant_id, is_bulk) where phase = 'held';

-- Hours after which a message that could not be delivered is given up.
alter table tenant add column retry_hours integer not null default 72 check (retry_hours between 1 and 720);
grant select (retry_hours) on tenant to lettergate_tenant, lettergate_batch;
