-- Addresses that a tenant's mail is not sent to. Managed by people and by events; looked up by accept, and again when a message is loaded.

create table suppression (
  tenant_id uuid not null references tenant on delete cascade,
  mode text not null check (mode in ('live', 'test')),
  -- In lower case: two spellings of an address are one mailbox here.
  address text collate "C" not null check (address = lower(address)),
  -- '*' is every stream.
  stream text not null check (stream in ('*', 'transactional', 'bulk')),
  reason text not null check (reason in ('hard_bounce', 'complaint', 'unsubscribe', 'manual', 'import')),
  -- The message whose event was the cause.
  message_id uuid,
  note text,
  created_at timestamptz(3) not null default now(),
  -- Null: it holds until somebody deletes it.
  expires_at timestamptz(3),
  primary key (tenant_id, mode, address, stream)
);
-- For the list, newest first; and one probe says whether anything was added since a message was accepted.
create index suppression_newest on suppression (tenant_id, mode, created_at, address, stream);
create index suppression_expiry on suppression (expires_at) where expires_at is not null;

alter table suppression enable row level security;
create policy own_rows on suppression to lettergate_tenant
  using (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('lettergate.tenant', true), '')::uuid);
create policy all_rows on suppression to lettergate_batch using (true) with check (true);
grant select, insert, update, delete on suppression to lettergate_tenant, lettergate_batch;
