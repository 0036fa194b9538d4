-- Imports and exports of suppressions, in chunks; and recipients as accept looks them up.

-- As accept_recipient, with the number of the request and the stream of the message.
create type accept_recipient_2 as (
  unit int4, message_id uuid, position int2, kind text, address text, name text, stream text);

create table suppression_job (
  tenant_id uuid not null references tenant on delete cascade,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  kind text not null check (kind in ('import', 'export')),
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
  -- Import: what a line without a column gets. Export: which entries.
  options json not null,
  -- Lines or entries: null until they are counted.
  total integer,
  done integer not null default 0,
  added integer not null default 0,
  rejected integer not null default 0,
  -- [{line, detail}], the first ones.
  errors json not null default '[]',
  reason text,
  -- Chunks that are finished, and the last address and stream of an export.
  chunks integer not null default 0,
  reached text[],
  -- Chunks in a row that failed.
  failures smallint not null default 0,
  -- The job that waits longest has its turn; each chunk is one.
  turn_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, id)
);
create index suppression_job_turn on suppression_job (turn_at) where state in ('waiting', 'running');
create index suppression_job_finished on suppression_job (finished_at) where finished_at is not null;

-- CSV: of an import what is left to read, of an export what is written.
create table suppression_chunk (
  tenant_id uuid not null,
  job_id uuid not null,
  chunk integer not null,
  -- Of the first line of the chunk, and how many there are.
  line integer not null,
  lines integer not null,
  content bytea not null,
  primary key (tenant_id, job_id, chunk),
  foreign key (tenant_id, job_id) references suppression_job (tenant_id, id) on delete cascade
);

do $$
declare
  target text;
  own_rows text := $own$nullif(current_setting('lettergate.tenant', true), '')::uuid$own$;
begin
  foreach target in array array['suppression_job', 'suppression_chunk'] loop
    execute format('alter table %I enable row level security', target);
    execute format('create policy own_rows on %I to lettergate_tenant using (tenant_id = %s) with check (tenant_id = %s)',
      target, own_rows, own_rows);
    execute format('create policy all_rows on %I to lettergate_batch using (true) with check (true)', target);
  end loop;
end
$$;
grant select, insert on suppression_job, suppression_chunk to lettergate_tenant;
grant select, insert, update, delete on suppression_job, suppression_chunk to lettergate_batch;

-- As recipient_change, with the address that does not exist according to the answer of the provider; null: nothing was said of that.
create type recipient_change_2 as (
  tenant_id uuid, message_id uuid, position int2, status text, reason text, event text, data json, mode text, stream text,
  connection_id uuid, no_mailbox text);
