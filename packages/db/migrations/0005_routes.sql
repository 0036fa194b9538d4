-- Routes: which of a tenant's connections carry which messages, in what order. Read together with the connections, and cached as
-- they are: every change of a route raises tenant.connections_version.
create table route (
  tenant_id uuid not null references tenant (id) on delete cascade,
  id uuid not null,
  -- The lowest that matches decides.
  position integer not null,
  name text not null,
  -- {stream?, tag?, from_domain?, recipient_domain?}: all that is named must fit.
  match json not null,
  strategy text not null check (strategy in ('ordered', 'weighted')),
  -- [{connection_id, weight}], in order. No foreign key: a connection may be deleted, and its place is then skipped.
  targets json not null,
  enabled boolean not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
alter table route enable row level security;
create policy own_rows on route to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
grant select, insert, update, delete on route to lettergate_tenant;

-- A batch of outcomes also tells the class of a failure, and why this connection was chosen.
create type claim_outcome_2 as (
  tenant_id uuid, message_id uuid, epoch int8, mode text, usage_day text, retry_in_ms float8, give_back int4, number int2,
  connection_id uuid, provider text, started_at timestamptz, outcome text, scope text, reason text,
  provider_message_id text, positions int2[], code text, choice json);

-- Both columns are null in what is there, so only the catalogue changes; but the lock keeps everybody out, and must not be waited for
-- longer than a request may notice.
do $$
begin
  perform set_config('lock_timeout', '200ms', true);
  for try in 1..200 loop
    begin
      -- What kind of failure it was; null when it was accepted, and for attempts before this migration.
      alter table attempt add column code text,
      -- {rule, route, skipped: [{connection, why}]}
                          add column choice json;
      exit;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then raise; end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end
$$;
