-- Whether a lost worker was sending through the shared pool: its mail and its events are recorded apart. Ids of the pool's connections only.
grant select (tenant_id, id) on connection to lettergate_batch;
create policy pool_rows on connection for select to lettergate_batch using (tenant_id = '00000000-0000-0000-0000-000000000001');
