-- A call with a list of events that failed is made again with the same list, so that it has the same webhook-id. Its events keep a row each:
-- the first one (id = list_id) is claimed, and the others go with it, in the order of `list_place`.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table delivery in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
alter table delivery add column list_id uuid, add column list_place smallint;
create index delivery_list on delivery (list_id) where list_id is not null;

create type webhook_result_2 as (
  tenant_id uuid, mode text, endpoint_id uuid, url text, target uuid, message_id uuid, seq int8, type int2, number int2, status int2,
  ms int4, error text, answer text, delivery_id uuid, epoch int8, retry_ms float8, is_ok int2, connection_id uuid, is_bulk int2,
  list_id uuid, list_place int2);
