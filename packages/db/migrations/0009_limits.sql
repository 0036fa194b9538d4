-- Events of connections are forgotten after a time (sql/expire-connection-events.ts, sql/trim-connection-events.ts). The table is
-- small, but the lock keeps others out, and must not be waited for longer than a request may notice.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table connection_event in share mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
create index connection_event_at on connection_event (at);
-- To pass over rows that another worker is deleting, it has to lock them, which takes a right to update.
grant delete, update (at) on connection_event to lettergate_batch;
