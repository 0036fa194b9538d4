-- Provider events become statuses of recipients.

-- How far a status is: provider events only ever raise it, so their order does not matter. Statuses of recipients that wait for an attempt
-- are below all; nothing is above a cancelled one. The table of moves in the contracts says the same, and a test compares both.
create function status_rank(status text) returns integer language sql immutable parallel safe as $$
  select case status
    when 'unknown' then 1 when 'sent' then 2 when 'suppressed' then 3 when 'failed' then 4 when 'delivered' then 5
    when 'bounced' then 6 when 'complained' then 7 when 'cancelled' then 99 else 0 end
$$;

create type provider_event_key as (n int4, tenant_id uuid, provider text, provider_message_id text);
create type provider_event_message as (tenant_id uuid, message_id uuid);
create type provider_event_item as (
  tenant_id uuid, message_id uuid, position int2, type text, status text, reason text, at timestamptz, source int8, data json,
  mode text, is_bulk int2, connection_id uuid, resolves int2, suppress text, address text);

-- For events that come without our id. Days that are over keep none: their index would hold up the version that serves meanwhile.
create index attempt_provider_message on only attempt using hash (provider_message_id)
  where provider in ('ses', 'sendgrid', 'mailgun', 'mandrill', 'sparkpost', 'postmark', 'resend', 'brevo');
do $$
declare
  name text;
begin
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'attempt'::regclass
      and (pg_relation_size(c.oid) = 0 or c.relname >= 'attempt_' || to_char(now() at time zone 'utc', 'YYYYMMDD') and c.relname <> 'attempt_default')
    order by 1
  loop
    execute format('create index on %I using hash (provider_message_id) where provider in '
                   '(''ses'', ''sendgrid'', ''mailgun'', ''mandrill'', ''sparkpost'', ''postmark'', ''resend'', ''brevo'')', name);
  end loop;
end
$$;
do $$
declare
  index_name text;
begin
  for index_name in
    select x.relname from pg_inherits i
    join pg_index p on p.indrelid = i.inhrelid
    join pg_class x on x.oid = p.indexrelid
    join pg_am a on a.oid = x.relam
    where i.inhparent = 'attempt'::regclass and a.amname = 'hash' and not x.relispartition
  loop
    execute format('alter index attempt_provider_message attach partition %I', index_name);
  end loop;
end
$$;

grant insert (tenant_id, message_id, seq, position, type, data, at, source), select (source, seq) on event to lettergate_batch;
