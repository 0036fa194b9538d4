-- Notices by mail: docs/decisions/0039-notices-by-mail.md.
alter table tenant add column notices_to text;
grant select (notices_to), update (notices_to) on tenant to lettergate_tenant;
grant select (notices_to) on tenant to lettergate_batch;

-- When the notice of the event is due; null: there is none, or none any more.
alter table account_event add column notice_due_at timestamptz;
alter table account_event add column noticed_at timestamptz;
create index account_event_notice on account_event (notice_due_at) where notice_due_at is not null;
grant update (notice_due_at, noticed_at) on account_event to lettergate_batch;
