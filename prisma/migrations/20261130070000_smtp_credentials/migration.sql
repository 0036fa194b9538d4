-- Logins of programs that send by SMTP. The user name is `lgu_` and the id; the secret is sealed, since CRAM-MD5 needs it in clear.

create table smtp_credential (
  tenant_id uuid not null references tenant on delete cascade,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  name text not null default '',
  sealed_secret bytea not null,
  data_key_version integer not null,
  scopes text[] not null default array['messages:send'],
  -- Domains that the author of a mail may have; empty: no restriction beside the tenant's own.
  from_domains text[] not null default '{}',
  -- Addresses and CIDRs that may log in; empty: all.
  networks text[] not null default '{}',
  last_used_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, data_key_version) references data_key (tenant_id, version)
);
-- A login names no tenant.
create unique index smtp_credential_login on smtp_credential (id);

alter table smtp_credential enable row level security;
create policy own_rows on smtp_credential to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on smtp_credential to lettergate_batch using (true) with check (true);
grant select, insert, update, delete on smtp_credential to lettergate_tenant;
grant select on smtp_credential to lettergate_batch;
grant update (last_used_at) on smtp_credential to lettergate_batch;
call audit_table('smtp_credential', secret => array['sealed_secret'], own => array['data_key_version', 'last_used_at']);

-- Whether the operator has suspended a tenant; null: there is no such tenant. By way of JSON, so that the function also works before the
-- column is there.
do $$
begin
  execute format($sql$
    create function is_suspended(of_tenant uuid) returns boolean language sql stable security definer set search_path = %I, pg_temp as $body$
      select to_jsonb(t) ->> 'suspended_at' is not null from tenant t where t.id = of_tenant
    $body$
  $sql$, current_schema());
end
$$;
revoke execute on function is_suspended(uuid) from public;
grant execute on function is_suspended(uuid) to lettergate_batch;
