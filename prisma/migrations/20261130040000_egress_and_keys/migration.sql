-- 1. What each plan may reach, and what the operator added for one tenant: lists of rules {protocols, hosts, ports}.
alter table tenant add column egress_extra jsonb not null default '[]' check (jsonb_typeof(egress_extra) = 'array');
grant select (plan, egress_extra) on tenant to lettergate_tenant;
grant select (egress_extra) on tenant to lettergate_batch;

-- `@providers`: the API hosts of the providers, a list that comes with the version of the gateway.
update plan set egress = '[
  {"protocols": ["https"], "hosts": ["@providers"], "ports": [443]},
  {"protocols": ["smtp"], "hosts": ["smtp.gmail.com"], "ports": [465, 587]}
]'
where name = 'free' and egress is null;

-- Messages that a policy kept back are looked at again within seconds of its change.
create function look_again_after_egress() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'tenant' then
    new.connections_version := old.connections_version + 1;
    return new;
  end if;
  update tenant set connections_version = connections_version + 1 where plan = new.name;
  return null;
end
$$;
create trigger tenant_egress before update of plan, egress_extra on tenant for each row
  when (old.plan <> new.plan or old.egress_extra <> new.egress_extra) execute function look_again_after_egress();
create trigger plan_egress after update of egress on plan for each row
  when (old.egress is distinct from new.egress) execute function look_again_after_egress();

-- 2. Keys that tenants manage.
alter table api_key
  add column name text not null default '' check (length(name) <= 100),
  -- Networks that requests may come from, and domains that From may have; empty: any.
  add column networks text[] not null default '{}',
  add column from_domains text[] not null default '{}',
  -- Requests a second of this key alone; null: its share of the tenant's.
  add column requests_per_second integer check (requests_per_second > 0),
  -- The key that made it; null: the operator.
  add column created_by uuid,
  -- The key that takes its place.
  add column replaced_by uuid;
grant select (name, networks, from_domains, requests_per_second, created_by, replaced_by), update (expires_at, replaced_by)
  on api_key to lettergate_tenant;
grant select (networks, from_domains, requests_per_second) on api_key to lettergate_batch;

-- When each key was used last. Beside the key, because it changes by itself: up to once a minute, written in batches.
create table key_use (
  key_id uuid primary key references api_key on delete cascade,
  -- Null: of an operator key.
  tenant_id uuid,
  used_at timestamptz not null,
  address text not null,
  agent text
) with (fillfactor = 70);
create index key_use_tenant on key_use (tenant_id);
alter table key_use enable row level security;
create policy own_rows on key_use to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on key_use to lettergate_batch using (true) with check (true);
grant select on key_use to lettergate_tenant;
grant select, insert, update on key_use to lettergate_batch;
