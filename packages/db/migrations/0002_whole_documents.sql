-- The content document now carries everything that a first hand-off needs, so a worker reads two rows instead of five.
-- Time of acceptance; null once something was recorded of the message (its recipients must then be read from their table),
-- and for messages accepted before this migration.
alter table outbox add column accepted_at timestamptz;

-- Compressing the document by pglz is a fifth of what accepting a message costs Postgres; lz4 is several times faster. Rows that are
-- there keep their compression. Some builds of Postgres have no lz4: they go on as before.
do $$
declare
  part regclass;
begin
  for part in
    select 'message_content'::regclass union all
    select inhrelid::regclass from pg_inherits where inhparent = 'message_content'::regclass
  loop
    execute format('alter table %s alter column document set compression lz4', part);
  end loop;
exception when feature_not_supported then
  raise notice 'this Postgres was built without lz4: message content is compressed by pglz';
end
$$;
