-- What workers share of connections follows who uses them: it goes with a connection that is deleted. Nothing here takes a lock that
-- others notice: no table is changed.

-- As in 0009; and workers hear that it is gone, so that none counts it as open or paused any more.
create or replace function forget_connection() returns trigger language plpgsql as $$
begin
  delete from connection_health where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_usage where tenant_id = old.tenant_id and connection_id = old.id;
  delete from connection_event where tenant_id = old.tenant_id and connection_id = old.id;
  perform pg_notify('lg_connection', old.id::text);
  return null;
end
$$;

-- Whoever was using a connection while it was deleted makes its rows anew. Looks at the next ones by key, and forgets those without a
-- connection; rows that somebody holds at this moment are left for the next time. `next_…` is null at the end. With the rights
-- of the owner: workers may read no connection of everybody's.
do $$
begin
  execute format($sql$
    create function forget_gone_connections(
      after_tenant uuid, after_connection uuid, page integer, out forgotten integer, out next_tenant uuid, out next_connection uuid)
    language plpgsql security definer set search_path = %I, pg_temp as $body$
    declare
      seen pace_key[];
      gone pace_key[];
    begin
      select array_agg((k.tenant_id, k.connection_id)::pace_key order by k.tenant_id, k.connection_id),
             array_agg((k.tenant_id, k.connection_id)::pace_key) filter (where not exists (
               select from connection c where c.tenant_id = k.tenant_id and c.id = k.connection_id))
      into seen, gone
      from (
        (select h.tenant_id, h.connection_id from connection_health h
         where (h.tenant_id, h.connection_id) > (after_tenant, after_connection)
         order by h.tenant_id, h.connection_id limit page)
        union
        (select u.tenant_id, u.connection_id from connection_usage u
         where (u.tenant_id, u.connection_id) > (after_tenant, after_connection)
         order by u.tenant_id, u.connection_id limit page)
        order by tenant_id, connection_id limit page
      ) k;
      forgotten := 0;
      if gone is not null then
        delete from connection_usage where ctid = any(array(
          select u.ctid from connection_usage u join unnest(gone) g using (tenant_id, connection_id) for update of u skip locked));
        delete from connection_event where ctid = any(array(
          select e.ctid from connection_event e join unnest(gone) g using (tenant_id, connection_id) for update of e skip locked));
        delete from connection_health where ctid = any(array(
          select h.ctid from connection_health h join unnest(gone) g using (tenant_id, connection_id) for update of h skip locked));
        forgotten := cardinality(gone);
      end if;
      if cardinality(seen) = page then
        next_tenant := (seen[page]).tenant_id;
        next_connection := (seen[page]).connection_id;
      end if;
    end
    $body$
  $sql$, current_schema());
end
$$;
revoke execute on function forget_gone_connections(uuid, uuid, integer) from public;
grant execute on function forget_gone_connections(uuid, uuid, integer) to lettergate_batch;
