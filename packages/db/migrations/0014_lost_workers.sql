-- Tells a message that ends the worker which handles it from its neighbours. The version before goes on without: it claims every ready
-- message, notes nothing, and so suspects nothing.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table outbox in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;

-- Workers that were lost while they had this message in hand.
alter table outbox add column lost_workers int2 not null default 0;
-- Empty but for the few that are suspected, so no update of a hand-off touches it.
create index outbox_lost_workers on outbox (lost_workers) where lost_workers > 0;

-- Claims that a worker has begun to load, one row for each batch of them. Read only when a claim has run out, which tells "its worker was
-- lost" from "nobody ever began". Not logged: a crash of Postgres may empty it, and then nothing is suspected.
create unlogged table claim_in_hand (
  at timestamptz not null default now(),
  epochs int8[] not null
) with (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
grant select, insert, delete on claim_in_hand to lettergate_batch;

-- What may have reached a recipient is also told by events.
grant select (tenant_id, message_id, position, type) on event to lettergate_batch;
