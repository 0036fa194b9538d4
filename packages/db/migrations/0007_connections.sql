-- Limits that the tenant sets for a connection, when its credentials were replaced, and which pepper a key was hashed with. All new
-- columns are null in what is there, so only the catalogue changes; but the locks keep others out, and must not be waited for
-- longer than a request may notice. In the order in which accepting a message takes them.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table outbox in share mode;
      lock table api_key, connection in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;

-- {per_second?, per_day?, concurrency?}; null: none.
alter table connection add column if not exists limits json;
-- Null: they are those that it was made with.
alter table connection add column if not exists credentials_rotated_at timestamptz;

-- Names the pepper of the hash; null: of a time before this column. Tells which keys would end with an old root key.
alter table api_key add column if not exists pepper_version integer;

-- What one tenant has waiting, found without walking over everybody's. A hand-off that succeeds never waits, so it pays nothing.
create index if not exists outbox_waiting_tenant on outbox (tenant_id, message_id) where phase = 'waiting';

-- The api may exchange the hash of a key that it has just verified, and nothing else of it.
do $$
begin
  execute format($sql$
    create function rehash_key(old_hash bytea, new_hash bytea, new_pepper integer) returns boolean
    language sql security definer set search_path = %I, pg_temp as
    'with changed as (update api_key set hash = new_hash, pepper_version = new_pepper where hash = old_hash returning 1)
     select exists (select from changed)'
  $sql$, current_schema());
end
$$;
revoke execute on function rehash_key(bytea, bytea, integer) from public;
grant execute on function rehash_key(bytea, bytea, integer) to lettergate_batch;
