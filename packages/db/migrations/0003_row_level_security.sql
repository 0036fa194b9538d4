-- Row-level security, the second wall behind `where tenant_id`: docs/decisions/0005-row-level-security.md says what it covers.
-- Processes log in as before and switch to one of two roles; whoever owns the tables is not subject to the policies, so
-- processes of the version before go on while this runs.

-- Roles belong to the whole cluster: another database of it may be migrating at this moment, or may have made them.
do $$
declare
  wanted text;
  may_use text := case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end;
  how text := case when may_use = 'SET' then ' with inherit false, set true' else '' end;
begin
  foreach wanted in array array['lettergate_tenant', 'lettergate_batch'] loop
    for try in 1..50 loop
      begin
        if not exists (select from pg_roles where rolname = wanted) then
          execute format('create role %I nologin', wanted);
        end if;
        if not pg_has_role(current_user, wanted, may_use) then
          execute format('grant %I to %I', wanted, current_user) || how;
        end if;
        exit;
      exception
        when insufficient_privilege then
          raise exception 'the login % may not make or use the role %; have an administrator run: create role % nologin; grant % to %;',
            current_user, wanted, wanted, wanted, current_user using errcode = 'insufficient_privilege';
        -- Somebody else is making or granting it; internal_error is how "tuple concurrently updated" is reported.
        when duplicate_object or unique_violation or internal_error then
          if try = 50 then raise; end if;
          perform pg_sleep(0.02);
      end;
    end loop;
    if exists (select from pg_roles where rolname = wanted and (rolsuper or rolbypassrls)) then
      raise exception 'the role % is not bound by policies: alter role % nosuperuser nobypassrls', wanted, wanted;
    end if;
  end loop;
end
$$;

-- All locks first, none waited for longer than a request may notice. In the order in which accepting a message takes them, or
-- live traffic meets this transaction crosswise: with tenant before usage it was not through after 30 s beside 4 writers.
do $$
begin
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table usage, tenant, idempotency, message, message_content, recipient, outbox, attempt, event, attachment,
                 attachment_chunk, api_key, data_key, connection in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;

do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['tenant', 'api_key', 'data_key', 'connection', 'usage', 'idempotency', 'message', 'message_content',
                                'attachment', 'attachment_chunk', 'recipient', 'attempt', 'event', 'outbox'] loop
    execute format('alter table %I enable row level security', target);
    -- With no tenant set the comparison is null: no row. After a commit the setting is '' and not null, hence nullif.
    execute format('create policy own_rows on %I to lettergate_tenant using (%I = %s) with check (%I = %s)',
      target, case target when 'tenant' then 'id' else 'tenant_id' end, own_rows,
      case target when 'tenant' then 'id' else 'tenant_id' end, own_rows);
  end loop;
  -- What the statements that serve many tenants at once touch; never credentials or their keys.
  foreach target in array array['usage', 'idempotency', 'message', 'message_content', 'attachment', 'attachment_chunk', 'recipient',
                                'attempt', 'event', 'outbox'] loop
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
  execute format('grant usage on schema %I to lettergate_tenant, lettergate_batch', current_schema());
end
$$;
create policy all_rows on tenant for select to lettergate_batch using (true);
create policy all_rows on api_key for select to lettergate_batch using (true);

-- One tenant's work: lists, details, cancel, retry, connections, keys.
grant select (id, name, plan, daily_limit, on_unknown, connections_version, created_at), update (connections_version)
  on tenant to lettergate_tenant;
grant select (id, tenant_id, mode, display, scopes, created_at, expires_at, revoked_at), insert, update (revoked_at)
  on api_key to lettergate_tenant;
grant select, insert on data_key to lettergate_tenant;
grant select, insert, update, delete on connection, outbox to lettergate_tenant;
grant select, insert, update on usage to lettergate_tenant;
grant select, update on message, recipient to lettergate_tenant;
grant select on message_content, attachment, attachment_chunk, attempt to lettergate_tenant;
grant select, insert on event to lettergate_tenant;
grant usage on sequence event_seq to lettergate_tenant;

-- Batches of many tenants: accept, status reads, claim, load, fence, record, sweep, key look-up.
grant select (id, daily_limit, on_unknown, connections_version) on tenant to lettergate_batch;
grant select (id, hash, tenant_id, mode, scopes, expires_at, revoked_at) on api_key to lettergate_batch;
grant select, insert, update on usage, recipient, attempt to lettergate_batch;
grant select, insert, update, delete on idempotency, outbox to lettergate_batch;
grant select, insert on message, message_content to lettergate_batch;
grant insert on attachment, attachment_chunk, event to lettergate_batch;
grant usage on sequence event_seq, claim_epoch to lettergate_batch;

-- A partition that is named directly escapes its parent's policies. Nobody was granted any; with row security on and no policy
-- of its own, one stays shut even after a careless "grant … on all tables".
create or replace function ensure_partitions(first date, last date) returns integer language plpgsql as $$
declare
  parent text;
  day date;
  created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('lettergate.partitions'));
  foreach parent in array array['message', 'message_content', 'attachment', 'attachment_chunk', 'recipient', 'attempt', 'event'] loop
    if to_regclass(parent || '_default') is null then
      execute format('create table %I partition of %I default', parent || '_default', parent);
      execute format('alter table %I enable row level security', parent || '_default');
    end if;
    for day in select generate_series(first, last, interval '1 day')::date loop
      continue when to_regclass(parent || to_char(day, '_YYYYMMDD')) is not null;
      begin
        execute format('create table %I partition of %I for values from (%L) to (%L)',
          parent || to_char(day, '_YYYYMMDD'), parent, uuid_at_day(day), uuid_at_day(day + 1));
        execute format('alter table %I enable row level security', parent || to_char(day, '_YYYYMMDD'));
        if parent = 'recipient' then
          execute format('alter table %I set (fillfactor = 80)', parent || to_char(day, '_YYYYMMDD'));
        end if;
        created := created + 1;
      exception when check_violation then
        raise warning 'partition % of % not created: the default partition holds rows of that day', day, parent;
      end;
    end loop;
  end loop;
  return created;
end
$$;

do $$
declare
  partition regclass;
begin
  for partition in
    select i.inhrelid::regclass from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where c.relkind = 'r' and i.inhparent in ('message'::regclass, 'message_content'::regclass, 'attachment'::regclass,
      'attachment_chunk'::regclass, 'recipient'::regclass, 'attempt'::regclass, 'event'::regclass)
  loop
    execute format('alter table %s enable row level security', partition);
  end loop;
  -- Partitions are made with the rights of the tables' owner, by names that no caller can bend.
  execute format('alter function ensure_partitions(date, date) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
revoke execute on function ensure_partitions(date, date) from public;
grant execute on function ensure_partitions(date, date) to lettergate_batch;
