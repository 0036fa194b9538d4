-- The operator: a role for its API, suspended tenants, messages that people hold, jobs over many messages, and what the log of changes leaves out.

-- 1. The role of the operator's API: it manages tenants, plans and keys, and reads figures; never content, recipients or credentials.
do $$
declare
  may_use text := case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end;
  how text := case when may_use = 'SET' then ' with inherit false, set true' else '' end;
begin
  for try in 1..50 loop
    begin
      if not exists (select from pg_roles where rolname = 'lettergate_operator') then
        create role lettergate_operator nologin;
      end if;
      if not pg_has_role(current_user, 'lettergate_operator', may_use) then
        execute format('grant lettergate_operator to %I', current_user) || how;
      end if;
      exit;
    exception
      when insufficient_privilege then
        raise exception 'the login % may not make or use the role lettergate_operator; have an administrator run: create role lettergate_operator nologin; grant lettergate_operator to %;',
          current_user, current_user using errcode = 'insufficient_privilege';
      -- Another session makes or grants it now; Postgres reports "tuple concurrently updated" as internal_error.
      when duplicate_object or unique_violation or internal_error then
        if try = 50 then raise; end if;
        perform pg_sleep(0.02);
    end;
  end loop;
  if exists (select from pg_roles where rolname = 'lettergate_operator' and (rolsuper or rolbypassrls)) then
    raise exception 'the role lettergate_operator is not bound by policies: alter role lettergate_operator nosuperuser nobypassrls';
  end if;
  execute format('grant usage on schema %I to lettergate_operator', current_schema());
end
$$;

-- 2. Columns of busy tables. The version before goes on serving and knows none of them.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      lock table tenant, outbox in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
-- Since when the operator has suspended the tenant, and why; null: it is active. The retry limit of its messages begins anew at the resumption.
alter table tenant
  add column suspended_at timestamptz,
  add column suspended_reason text check (length(suspended_reason) between 1 and 500),
  add column resumed_at timestamptz,
  add constraint tenant_suspended check ((suspended_at is null) = (suspended_reason is null));
grant select (suspended_at, suspended_reason, resumed_at) on tenant to lettergate_tenant;
grant select (suspended_reason, resumed_at) on tenant to lettergate_batch;
-- Since when a person holds the message; null: nobody does.
alter table outbox add column held_at timestamptz;

-- 3. Jobs over many messages.
create table message_job (
  id uuid primary key,
  -- Whose job it is; null: the operator's.
  tenant_id uuid references tenant on delete cascade,
  -- Whose messages; null: those of all tenants.
  of_tenant uuid,
  -- Null: both.
  mode text check (mode in ('live', 'test')),
  action text not null check (action in ('cancel', 'retry', 'hold', 'release')),
  filter jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'cancelled', 'failed')),
  -- Messages that match so far: done, skipped because of their state, and failed.
  matched integer not null default 0,
  done integer not null default 0,
  skipped integer not null default 0,
  failed integer not null default 0,
  -- [{message, detail}], the first ones.
  errors jsonb not null default '[]',
  reason text,
  -- The walk goes through the tenants in order, and through the messages of each from the newest. Null: it has not begun, or is over.
  at_tenant uuid,
  at_message uuid,
  -- Only the holder of the newest epoch goes on, for as long as its lease.
  epoch bigint not null default 0,
  lease_until timestamptz,
  -- Turns in a row that failed.
  failures smallint not null default 0,
  -- The job that waits longest has its turn.
  turn_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check (tenant_id is null or tenant_id = of_tenant)
) with (fillfactor = 50);
create index message_job_turn on message_job (turn_at) where state in ('waiting', 'running');
create index message_job_finished on message_job (finished_at) where finished_at is not null;
create index message_job_tenant on message_job (tenant_id, id);

alter table message_job enable row level security;
create policy own_rows on message_job to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on message_job to lettergate_batch using (true) with check (true);
grant select, insert, update (state, finished_at) on message_job to lettergate_tenant;
grant select, update, delete on message_job to lettergate_batch;

-- A worker retries as a request does: it locks the message, and moves its recipients to today's quota.
grant update (usage_day) on message to lettergate_batch;

-- 4. Rights of the operator's role.
do $$
declare
  target text;
begin
  foreach target in array array['tenant', 'api_key', 'connection', 'connection_health', 'usage', 'outbox', 'message_job', 'audit_log',
                                'suppression'] loop
    execute format('create policy operator_rows on %I to lettergate_operator using (true) with check (true)', target);
  end loop;
end
$$;
grant select, insert, update on tenant to lettergate_operator;
grant select, insert, update, delete on plan to lettergate_operator;
grant select (id, tenant_id, mode, display, scopes, created_at, expires_at, revoked_at), insert, update (revoked_at)
  on api_key to lettergate_operator;
grant select (tenant_id, id, provider, name, priority, enabled, limits, created_at, updated_at) on connection to lettergate_operator;
grant select on connection_health, usage, outbox, audit_log to lettergate_operator;
-- How many bounced or complained, and not who.
grant select (tenant_id, mode, reason, created_at) on suppression to lettergate_operator;
grant update (day_limit, month_limit, pool_limit, bytes_limit) on usage to lettergate_operator;
grant select, insert, update (state, finished_at) on message_job to lettergate_operator;
create trigger set_updated_at before update on plan for each row execute function set_updated_at();

-- 5. The log of changes. Logging a table anew replaces how it was logged before.
create or replace procedure audit_table(target regclass, secret text[] default '{}', own text[] default '{}') language plpgsql as $$
begin
  execute format('drop trigger if exists audit on %s', target);
  execute format('create trigger audit after insert or update or delete on %s for each row execute function audit_change(%L, %L)',
    target, array_to_string(secret, ','), array_to_string(own || array['updated_at'], ','));
end
$$;
-- A hash that is exchanged for one by the new pepper, and credentials that a provider has replaced, are no changes that people make. Credentials
-- that a person stores change `credentials_rotated_at` too.
call audit_table('api_key', own => array['hash', 'pepper_version']);
-- The limit a day in force follows from the plan and the tenant's own limits.
call audit_table('tenant', own => array['connections_version', 'released_version', 'daily_limit']);
call audit_table('connection', own => array['sealed_credentials', 'data_key_version']);
call audit_table('message_job', own => array['state', 'matched', 'done', 'skipped', 'failed', 'errors', 'reason', 'at_tenant', 'at_message',
  'epoch', 'lease_until', 'failures', 'turn_at', 'finished_at']);
-- Entries of 400 days ago are deleted by the sweep.
grant delete on audit_log to lettergate_batch;
