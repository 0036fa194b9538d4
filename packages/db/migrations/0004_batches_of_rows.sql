-- A batch is one parameter, an array of one of these types (src/rows.ts). Both sides must agree on the columns and their order, and the
-- version before goes on while a migration runs: a changed batch is a new type, never an altered one.

create type accept_unit as (
  unit int4, tenant_id uuid, mode text, request_id uuid, n int4, key_hash bytea, body_hash bytea, answer json);
create type accept_message as (
  unit int4, id uuid, stream text, from_address text, from_name text, subject text, tags text[], metadata json,
  send_at timestamptz, connection_id uuid, attachment_count int2, content_bytes int4, document json);
create type accept_recipient as (message_id uuid, position int2, kind text, address text, name text);
create type claim_key as (tenant_id uuid, message_id uuid, epoch int8);
create type claim_fence as (message_id uuid, epoch int8, connection_id uuid, provider text);
create type claim_outcome as (
  tenant_id uuid, message_id uuid, epoch int8, mode text, usage_day text, retry_in_ms float8, give_back int4, number int2,
  connection_id uuid, provider text, started_at timestamptz, outcome text, scope text, reason text,
  provider_message_id text, positions int2[]);
create type claim_change as (
  tenant_id uuid, message_id uuid, position int2, status text, reason text, event text, data json);
create type message_key as (tenant_id uuid, id uuid, position int4);

-- Whoever waits for a locked row inside a statement has the whole of its plan made ready a second time, for the row as it is
-- by then: a ninth of what accepting cost Postgres, since all messages of a tenant meet at its usage row. In functions the
-- plan that is made ready twice is theirs alone, and each sees what was committed while it waited.
create function lock_usage(of_tenant uuid, of_mode text, out day date, out accepted integer)
language plpgsql as $$
begin
  select u.day, u.accepted into lock_usage.day, lock_usage.accepted
  from usage u
  where u.tenant_id = of_tenant and u.day = (now() at time zone 'utc')::date and u.mode = of_mode
  for no key update;
end
$$;

create function add_usage(of_tenant uuid, on_day date, of_mode text, n integer) returns integer
language plpgsql as $$
declare
  total integer;
begin
  update usage u set accepted = u.accepted + n
  where u.tenant_id = of_tenant and u.day = on_day and u.mode = of_mode
  returning u.accepted into total;
  return total;
end
$$;
