-- Exports, erasures and deletions, as jobs: docs/decisions/0030-data-life.md. They go by the catalogue, so that a table of a later version is
-- exported, searched and emptied without a change here.

create table data_job (
  id uuid primary key,
  -- Null: of the operator. A deletion has none, so that its receipt stays.
  tenant_id uuid references tenant on delete cascade,
  kind text not null check (kind in ('export', 'erasure', 'deletion')),
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
  options json not null default '{}',
  -- The tenant that is deleted.
  subject uuid,
  -- The address that is erased; null once it is.
  address text check (address = lower(address)),
  -- SHA-256 of it, for the receipt.
  address_hash text,
  reason text,
  -- Where the next turn goes on.
  place json not null default '{}',
  -- Rows by table.
  counts jsonb not null default '{}',
  chunks integer not null default 0,
  bytes bigint not null default 0,
  -- Why it failed.
  error text,
  failures smallint not null default 0,
  turn_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((kind = 'deletion') = (subject is not null))
);
create index data_job_turn on data_job (turn_at) where state in ('waiting', 'running');
create index data_job_tenant on data_job (tenant_id, id);
create index data_job_finished on data_job (finished_at) where finished_at is not null;

-- The file of an export.
create table data_chunk (
  tenant_id uuid not null,
  job_id uuid not null references data_job on delete cascade,
  chunk integer not null,
  content bytea not null,
  primary key (job_id, chunk)
);

-- The key of a tenant's erased addresses: without it, nobody can find out which address a hash stands for by trying.
create table erasure_key (
  tenant_id uuid primary key references tenant on delete cascade,
  key bytea not null
);

alter table data_job enable row level security;
alter table data_chunk enable row level security;
alter table erasure_key enable row level security;
create policy own_rows on data_job to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid and kind <> 'deletion');
create policy own_rows on data_chunk to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy own_rows on erasure_key to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on erasure_key for select to lettergate_batch using (true);
create policy all_rows on data_job to lettergate_batch using (true) with check (true);
create policy all_rows on data_chunk to lettergate_batch using (true) with check (true);
-- Whether there is one: never the key.
grant select (tenant_id) on erasure_key to lettergate_tenant, lettergate_batch;
grant select, insert on data_job to lettergate_tenant;
grant select on data_chunk to lettergate_tenant;
grant select, insert, update, delete on data_job, data_chunk to lettergate_batch;

-- 1. Tables. `is_managed`: people manage it, as its audit trigger says. A table comes after those that refer to it.
create function tables_of_tenants() returns table (name text, parent text, keys text[], is_managed boolean, place integer)
language sql stable as $$
  with recursive own as (
    select c.oid, c.relname::text as name, coalesce(p.relname, c.relname)::text as parent, coalesce(p.oid, c.oid) as root
    from pg_class c
    left join pg_inherits i on i.inhrelid = c.oid
    left join pg_class p on p.oid = i.inhparent
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
  ), referred as (
    select distinct o.oid, k.conrelid as by from own o join pg_constraint k on k.confrelid = o.root and k.contype = 'f' and k.conrelid <> o.root
  ), depth as (
    select oid, 0 as n from own
    union all
    select r.oid, d.n + 1 from depth d join referred r on r.by = d.oid where d.n < 20
  )
  select o.name, o.parent, key_columns(o.name),
         exists (select from pg_trigger t where t.tgrelid = o.root and t.tgname = 'audit'),
         (select max(n) from depth d where d.oid = o.oid)
  from own o
$$;

-- One of them, without a look at the others.
create function table_of_tenants(of_name text, out parent text, out keys text[], out is_managed boolean) language sql stable as $$
  select coalesce(p.relname, c.relname)::text, key_columns(c.relname),
         exists (select from pg_trigger t where t.tgrelid = coalesce(p.oid, c.oid) and t.tgname = 'audit')
  from pg_class c
  left join pg_inherits i on i.inhrelid = c.oid
  left join pg_class p on p.oid = i.inhparent
  where c.oid = to_regclass(quote_ident(of_name)) and c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
    and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
$$;

-- A page of a table by its key, or by its blocks where it has none: the condition, and where the next one begins (null: this is the last).
create function page_of(name text, keys text[], of_tenant uuid, after text[], page integer, out condition text, out next text[])
language plpgsql stable as $$
declare
  own text := case when of_tenant is null then 'true' else format('tenant_id = %L::uuid', of_tenant) end;
  row_of text;
  past text := 'true';
  block bigint;
begin
  if keys is null then
    block := coalesce(after[1]::bigint, 0);
    if (block + page) * current_setting('block_size')::int < pg_relation_size(to_regclass(quote_ident(name))) then
      next := array[(block + page)::text];
    end if;
    condition := format('%s and ctid >= ''(%s,0)'' and ctid < ''(%s,0)''', own, block, block + page);
    return;
  end if;
  row_of := (select '(' || string_agg(quote_ident(k), ', ') || ')' from unnest(keys) k);
  if after is not null then past := format('%s > %s', row_of, key_row(name, keys, after)); end if;
  execute format('select array[%s] from %I where %s and %s order by %s offset %s limit 1',
    (select string_agg(quote_ident(k) || '::text', ', ') from unnest(keys) k), name,
    -- A key that does not begin with the tenant is read as a whole.
    case when keys[1] = 'tenant_id' then own else 'true' end, past,
    (select string_agg(quote_ident(k), ', ') from unnest(keys) k), page - 1) into next;
  condition := format('%s and %s%s', own, past, case when next is null then '' else format(' and %s <= %s', row_of, key_row(name, keys, next)) end);
end
$$;
create function key_row(name text, keys text[], given text[]) returns text language sql stable as $$
  select '(' || string_agg(format('%L::%s', given[n], format_type(a.atttypid, a.atttypmod)), ', ' order by n) || ')'
  from unnest(keys) with ordinality as k(key, n)
  join pg_attribute a on a.attrelid = to_regclass(quote_ident(name)) and a.attname = k.key
$$;

-- 2. Export: rows as JSON, without secrets (their columns are named by the audit trigger, by `sealed_…`, or hold bytes).
create function export_page(of_tenant uuid, name text, after text[], page integer, with_bytes boolean, out lines text[], out next text[])
language plpgsql stable as $$
declare
  t record;
  p record;
  left_out text[];
  bytes text[];
begin
  t := table_of_tenants(name);
  lines := '{}';
  if t.parent is null then return; end if;
  p := page_of(name, t.keys, of_tenant, after, page);
  next := p.next;
  select coalesce(array_agg(a.attname::text) filter (where a.atttypid <> 'bytea'::regtype or not with_bytes), '{}'),
         coalesce(array_agg(a.attname::text) filter (where a.atttypid = 'bytea'::regtype and with_bytes), '{}')
  into left_out, bytes
  from pg_attribute a
  where a.attrelid = to_regclass(quote_ident(name)) and a.attnum > 0 and not a.attisdropped
    and (a.atttypid = 'bytea'::regtype or a.attname like 'sealed\_%' or a.attgenerated <> '' or a.attname = any (
      select unnest(string_to_array(convert_from(substring(tg.tgargs from 1 for position('\x00'::bytea in tg.tgargs) - 1), 'UTF8'), ','))
      from pg_trigger tg where tg.tgrelid = to_regclass(quote_ident(t.parent)) and tg.tgname = 'audit'));
  execute format('select coalesce(array_agg(((to_jsonb(x) - $1)%s)::text%s), ''{}'') from %I x where %s',
    (select coalesce(string_agg(format(' || jsonb_build_object(%L, translate(encode(%I, ''base64''), chr(10), ''''))', b, b), ''), '') from unnest(bytes) b),
    coalesce((select ' order by ' || string_agg(quote_ident(k), ', ') from unnest(t.keys) k), ' order by ctid'),
    name, p.condition) into lines using left_out || bytes;
end
$$;

create function export_tenant(of_tenant uuid) returns text language sql stable as $$
  select (to_jsonb(t) - array['connections_version', 'released_version'])::text from tenant t where id = of_tenant
$$;

-- 3. Erasure.
-- Null: the tenant never erased an address. In PL/pgSQL, since accept asks for each recipient, and a function in SQL starts anew each time.
create function erased_address(of_tenant uuid, of_address text) returns text language plpgsql stable as $$
declare
  of_key bytea;
begin
  select k.key into of_key from erasure_key k where k.tenant_id = of_tenant;
  if of_key is null then return null; end if;
  return left(encode(sha256(of_key || sha256(of_key || convert_to(of_address, 'UTF8'))), 'hex'), 32) || '@erased.invalid';
end
$$;

-- How an address is written in text, JSON, URLs, quoted-printable and return paths. Not inside a longer address: what stands before it is no
-- part of one, or ends an escape.
create function address_pattern(of_address text) returns text language sql immutable as $$
  select '(?:(?<![a-z0-9._+-])|(?<=\\[nrtbf])|(?<=\\u[0-9a-f]{4})|(?<=%[0-9a-f]{2})|(?<==(?:3D|3C|22|20|0A|27|3A)))'
    || regexp_replace(split_part(of_address, '@', 1), '([^a-z0-9])', '\\\1', 'g') || '(?:@|%40|=40|=)'
    || regexp_replace(split_part(of_address, '@', 2), '([^a-z0-9])', '\\\1', 'g') || '(?![a-z0-9-]|\.[a-z0-9])'
$$;

-- Columns that may quote an address: {name, whether it is nothing but an address, its value as text, its new value}. `$1` is the address, `$2`
-- its pattern.
create function quoting_columns(name text) returns table (hit text, assignment text) language sql stable as $$
  select case when is_address then format('lower(x.%I) = $1', col)
              else format('(strpos(lower(%1$s), split_part($1, ''@'', 1)) > 0 and %1$s ~* $2)', shown) end,
         format('%I = %s', col, case
           when is_address then placeholder
           when kind = 'bytea' then format('decode(regexp_replace(%s, $2, %s, ''gi''), ''escape'')', shown, placeholder)
           else format('regexp_replace(%s, $2, %s, ''gi'')::%s', shown, placeholder, kind) end)
  from (
    select a.attname as col, format_type(a.atttypid, null) as kind, a.attname in ('address', 'from_address') as is_address,
           case when a.atttypid = 'bytea'::regtype then format('encode(x.%I, ''escape'')', a.attname) else format('x.%I::text', a.attname) end as shown,
           'coalesce(erased_address(x.tenant_id, $1), ''erased@erased.invalid'')' as placeholder
    from pg_attribute a
    where a.attrelid = to_regclass(quote_ident(name)) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and a.atttypid = any (array['text', 'varchar', 'json', 'jsonb', 'bytea', 'text[]']::regtype[])
      -- Words of ours, and keys that are hashes.
      and a.attname <> all (array['mode', 'stream', 'state', 'phase', 'kind', 'status', 'type', 'outcome', 'scope', 'provider', 'code', 'key_hash',
                                  'body_hash', 'cursor', 'worker'])
  ) c
$$;

-- Rewrites one page of a table. Of tables that people manage the rows are only counted: a setting is for a person to change.
create function erase_page(of_tenant uuid, of_address text, name text, after text[], page integer, out hits integer, out next text[])
language plpgsql as $$
declare
  t record;
  p record;
  condition text;
  assignments text;
begin
  hits := 0;
  t := table_of_tenants(name);
  select string_agg(q.hit, ' or '), string_agg(q.assignment, ', ') into condition, assignments from quoting_columns(name) q;
  if t.parent is null or condition is null then return; end if;
  p := page_of(name, t.keys, of_tenant, after, page);
  next := p.next;
  if t.is_managed then
    execute format('select count(*)::int4 from %I x where (%s) and (%s)', name, p.condition, condition) into hits using of_address, address_pattern(of_address);
  else
    execute format('update %I x set %s where (%s) and (%s)', name, assignments, p.condition, condition) using of_address, address_pattern(of_address);
    get diagnostics hits = row_count;
  end if;
end
$$;

-- Before anything else of an erasure: the key, and the lists, on which the hash takes the place of the address.
create function begin_erasure(of_tenant uuid, of_address text) returns integer language plpgsql as $$
declare
  moved integer;
begin
  insert into erasure_key (tenant_id, key)
  select id, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) from tenant where of_tenant is null or id = of_tenant
  on conflict do nothing;
  with old as (
    delete from suppression where address = of_address and (of_tenant is null or tenant_id = of_tenant)
    returning tenant_id, mode, stream, reason, message_id, created_at, expires_at
  )
  insert into suppression as s (tenant_id, mode, address, stream, reason, message_id, created_at, expires_at)
  select tenant_id, mode, erased_address(tenant_id, of_address), stream, reason, message_id, created_at, expires_at from old
  on conflict (tenant_id, mode, address, stream) do update set expires_at = excluded.expires_at where s.expires_at is not null;
  get diagnostics moved = row_count;
  return moved;
end
$$;

-- Messages of one day to or from the address that still have it. A message that is being sent now waits for its result.
create function erasure_hits(of_tenant uuid, of_address text, name text, most integer)
returns table (tenant_id uuid, message_id uuid, state text) language plpgsql stable as $$
begin
  return query execute format($q$
    select h.tenant_id, h.message_id, o.state
    from (
      select distinct x.tenant_id, x.%2$I as message_id from %1$I x
      where ($1 is null or x.tenant_id = $1) and lower(x.%3$I collate "C") = $2
    ) h
    left join outbox o on o.message_id = h.message_id
    order by o.state = 'sending' nulls first, h.message_id limit $3
  $q$, name, case when name like 'recipient%' then 'message_id' else 'id' end, case when name like 'recipient%' then 'address' else 'from_address' end)
  using of_tenant, of_address, most;
end
$$;

-- Takes the person out of one message. Its content goes too, unless the message is still to be sent to others.
create function erase_hit(of_tenant uuid, of_message uuid, of_address text, is_sender boolean) returns jsonb language plpgsql as $$
declare
  counts jsonb := '{}';
  content text;
  n integer;
begin
  if is_sender then
    update message set from_address = erased_address(of_tenant, of_address), from_name = null, subject = ''
    where tenant_id = of_tenant and id = of_message and lower(from_address) = of_address;
    counts := '{"message": 1}';
  else
    update recipient set address = erased_address(of_tenant, of_address), name = null
    where tenant_id = of_tenant and message_id = of_message and lower(address) = of_address;
    get diagnostics n = row_count;
    counts := jsonb_build_object('recipient', n);
  end if;
  if exists (select from outbox where message_id = of_message) then return counts; end if;
  foreach content in array array['message_content', 'message_raw_chunk', 'attachment', 'attachment_chunk'] loop
    execute format('delete from %I where tenant_id = $1 and message_id = $2', content) using of_tenant, of_message;
    get diagnostics n = row_count;
    if n > 0 then counts := counts || jsonb_build_object(content, n); end if;
  end loop;
  return counts;
end
$$;

-- 4. Deletion of a tenant. Its keys stop, and what its data key sealed is lost for good.
create function stop_tenant(of_tenant uuid, actor text) returns void language plpgsql as $$
begin
  perform set_config('lettergate.actor', actor, true);
  update api_key set revoked_at = now() where tenant_id = of_tenant and revoked_at is null;
  update data_key set wrapped = sha256(uuid_send(gen_random_uuid())) where tenant_id = of_tenant;
end
$$;

-- Deletes some rows of the first table that has any, from this one on; null: nothing is left.
create function delete_page(of_tenant uuid, most integer, out of_table text, out deleted integer) language plpgsql as $$
declare
  t record;
begin
  for t in
    select o.name, o.parent from tables_of_tenants() o where o.parent <> 'audit_log'
    -- What lets somebody in or goes out first.
    order by o.place, not o.is_managed, o.parent <> 'outbox', o.name
  loop
    -- A large value makes a row take as long as many small ones.
    execute format('delete from %1$I where ctid = any (array(select ctid from %1$I where tenant_id = $1 limit $2))', t.name)
      using of_tenant, case when t.parent like '%chunk' then greatest(most / 20, 1) else most end;
    get diagnostics deleted = row_count;
    of_table := t.parent;
    if deleted > 0 then return; end if;
  end loop;
  of_table := null;
  deleted := 0;
end
$$;

-- The end of a deletion, in one transaction: the tenant, the log of its changes, and one entry in its place.
create function forget_tenant(of_tenant uuid, actor text) returns integer language plpgsql as $$
declare
  forgotten integer;
begin
  perform set_config('lettergate.actor', actor, true);
  delete from tenant where id = of_tenant;
  delete from audit_log where tenant_id = of_tenant or target = 'tenant' and target_id = of_tenant::text;
  get diagnostics forgotten = row_count;
  insert into audit_log (tenant_id, actor, action, target, target_id) values (null, actor::jsonb, 'deleted', 'tenant', of_tenant::text);
  return forgotten;
end
$$;

do $$
declare
  f text;
begin
  foreach f in array array['export_page(uuid, text, text[], integer, boolean)', 'export_tenant(uuid)', 'erased_address(uuid, text)',
    'erase_page(uuid, text, text, text[], integer)', 'begin_erasure(uuid, text)', 'erasure_hits(uuid, text, text, integer)',
    'erase_hit(uuid, uuid, text, boolean)', 'stop_tenant(uuid, text)', 'delete_page(uuid, integer)', 'forget_tenant(uuid, text)'] loop
    execute format('alter function %s security definer set search_path = %I, pg_temp', f, current_schema());
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to lettergate_batch', f);
  end loop;
end
$$;
grant execute on function erased_address(uuid, text) to lettergate_tenant;
