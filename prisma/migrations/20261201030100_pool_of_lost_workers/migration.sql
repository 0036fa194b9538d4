-- Whether a lost worker was sending through the shared pool: its mail and its events are recorded apart. Workers may not read connections, so
-- a function answers for the ids that they have, and for those of the pool alone.
create function which_of_pool(connections uuid[]) returns setof uuid language sql stable as $$
  select id from connection where tenant_id = '00000000-0000-0000-0000-000000000001' and id = any (connections)
$$;
do $$
begin
  execute format('alter function which_of_pool(uuid[]) security definer set search_path = %I, pg_temp', current_schema());
  revoke execute on function which_of_pool(uuid[]) from public;
  grant execute on function which_of_pool(uuid[]) to lettergate_batch;
end
$$;
