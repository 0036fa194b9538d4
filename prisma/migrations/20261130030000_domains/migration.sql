-- Domains that tenants send from: proofs that a domain is theirs, keys that sign its mail, and what the DNS says of both.

create table domain (
  tenant_id uuid not null references tenant on delete cascade,
  id uuid not null,
  -- In lower case and ASCII (IDNA).
  name text collate "C" not null check (name = lower(name)),
  -- Of the ownership record: random, and never used again for any row.
  token text not null,
  state text not null default 'not_started' check (state in ('not_started', 'pending', 'verified', 'failed')),
  -- Proved while the operator let several tenants hold one domain.
  is_shared boolean not null default false,
  -- The CNAME of `bounce.<name>` leads to this gateway.
  has_return_path boolean not null default false,
  -- What was found of each record at the last check.
  records jsonb not null default '[]',
  -- Why it is not verified, or is in danger.
  reason text,
  -- Rises with every check: of two at the same moment, one is recorded.
  revision integer not null default 0,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  -- Of the checks that look for a first proof.
  pending_since timestamptz(3),
  checked_at timestamptz(3),
  -- When a person asked for a check last.
  asked_at timestamptz(3),
  verified_at timestamptz(3),
  -- The first check that found no proof any more; two are needed.
  gone_at timestamptz(3),
  warned_at timestamptz(3),
  failed_at timestamptz(3),
  -- Null: never, until a person asks. While a worker checks it, the time at which another one may.
  next_check_at timestamptz(3),
  primary key (tenant_id, id)
);
create unique index domain_name on domain (tenant_id, name);
-- One holder for each name.
create unique index domain_holder on domain (name) where state = 'verified' and not is_shared;
create index domain_verified on domain (name) where state = 'verified';
-- Everything under a name, by one range: the dot comes before the slash.
create index domain_reversed on domain (reverse(name)) where state = 'verified';
create index domain_due on domain (next_check_at) where next_check_at is not null;

create table domain_key (
  tenant_id uuid not null,
  id uuid not null,
  domain_id uuid not null,
  algorithm text not null check (algorithm in ('rsa', 'ed25519')),
  -- Random, and never used again for any row.
  selector text not null,
  -- In base64, as `p=` shows it.
  public_key text not null,
  -- Null: the key has ended, and only its record is left to remove.
  sealed_key bytea,
  data_key_version integer not null,
  -- new: its record is looked for; active: it signs; old: replaced, its record stays for mail on the way.
  state text not null default 'new' check (state in ('new', 'active', 'old')),
  created_at timestamptz(3) not null default now(),
  -- Since when all name servers have its record.
  seen_at timestamptz(3),
  activated_at timestamptz(3),
  retired_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, domain_id) references domain (tenant_id, id) on delete cascade,
  foreign key (tenant_id, data_key_version) references data_key (tenant_id, version)
);
create index domain_key_domain on domain_key (tenant_id, domain_id);

-- Tokens and selectors that were given out, for ever: a record that was left in the DNS proves nothing for a later row.
create table domain_mark (
  mark text collate "C" primary key,
  tenant_id uuid not null,
  created_at timestamptz(3) not null default now()
);

do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['domain', 'domain_key', 'domain_mark'] loop
    execute format('alter table %I enable row level security', target);
    execute format('create policy own_rows on %I to lettergate_tenant using (tenant_id = %s) with check (tenant_id = %s)',
      target, own_rows, own_rows);
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
end
$$;
grant select, insert, update, delete on domain, domain_key to lettergate_tenant;
grant insert on domain_mark to lettergate_tenant;
grant select, update (state, is_shared, has_return_path, records, reason, revision, pending_since, checked_at, verified_at, gone_at, warned_at,
                      failed_at, next_check_at) on domain to lettergate_batch;
-- Workers that check domains of all tenants see no private key.
grant select (tenant_id, id, domain_id, algorithm, selector, public_key, state, created_at, seen_at, activated_at, retired_at),
      update (state, seen_at, activated_at, retired_at, sealed_key), delete on domain_key to lettergate_batch;

call audit_table('domain', own => array['state', 'is_shared', 'has_return_path', 'records', 'reason', 'revision', 'pending_since', 'checked_at',
  'asked_at', 'verified_at', 'gone_at', 'warned_at', 'failed_at', 'next_check_at']);
call audit_table('domain_key', secret => array['sealed_key'], own => array['state', 'seen_at', 'activated_at', 'retired_at', 'data_key_version']);

-- The names that a tenant has proved, also while their records are gone for less than the grace. Each proves the names below it too,
-- except those that `nearer_domains` names and everything below them.
create or replace function proved_domains(of_tenant uuid) returns text[] language sql stable as $$
  select coalesce(array_agg(name order by name), '{}') from domain where tenant_id = of_tenant and state = 'verified'
$$;

-- Names below those of the tenant that others have proved. As the owner, since a tenant does not see their rows.
do $$
begin
  execute format($sql$
    create function nearer_domains(of_tenant uuid) returns text[] language sql stable security definer set search_path = %I, pg_temp as $body$
      select coalesce(array_agg(distinct other.name), '{}')
      from domain own
      join domain other on reverse(other.name) > reverse(own.name) || '.' and reverse(other.name) < reverse(own.name) || '/'
      where own.tenant_id = of_tenant and own.state = 'verified' and other.state = 'verified' and other.tenant_id <> of_tenant
        and not exists (select from domain mine where mine.tenant_id = of_tenant and mine.name = other.name and mine.state = 'verified')
    $body$
  $sql$, current_schema());
end
$$;
revoke execute on function nearer_domains(uuid) from public;
grant execute on function nearer_domains(uuid) to lettergate_tenant, lettergate_batch;

-- Whether domains of recipients are looked up before a message is accepted.
alter table tenant add column recipient_domain_check text not null default 'off' check (recipient_domain_check in ('off', 'warn', 'reject'));
grant select (recipient_domain_check), update (recipient_domain_check) on tenant to lettergate_tenant;
grant select (recipient_domain_check) on tenant to lettergate_batch;
