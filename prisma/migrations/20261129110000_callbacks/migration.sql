-- Callbacks are delivered: a message's own URL, and what came of calls.

do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table message in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
alter table message add column callback_url text;
-- As accept_message, with the URL that its events go to.
create type accept_message_2 as (
  unit int4, id uuid, stream text, from_address text, from_name text, subject text, tags text[], metadata json, send_at timestamptz,
  connection_id uuid, attachment_count int2, content_bytes int4, document json, callback_url text);

create type webhook_result as (
  tenant_id uuid, mode text, endpoint_id uuid, url text, target uuid, message_id uuid, seq int8, type int2, number int2, status int2,
  ms int4, error text, answer text, delivery_id uuid, epoch int8, retry_ms float8, is_ok int2, connection_id uuid, is_bulk int2);

grant usage on sequence claim_epoch to lettergate_tenant;
grant delete on account_event to lettergate_batch;
create index account_event_at on account_event (at);
