-- A fence whose answer was lost is asked for again, and finds itself by its token. Without one it might have been another run of the same
-- job, so the message had to wait for its lease and was called unknown, though nobody had sent it.
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

alter table outbox add column fence_token int8;

-- How long a message has waited for a limit of its connection: a limit is the tenant's own wish, and takes nothing of the 72 hours that
-- failures have.
alter table outbox add column paced_ms float8 not null default 0;

-- The version before goes on with claim_fence.
create type claim_fence_2 as (message_id uuid, epoch int8, connection_id uuid, provider text, token int8);
