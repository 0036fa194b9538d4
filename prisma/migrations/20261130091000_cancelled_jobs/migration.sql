-- An import or export can be cancelled by its tenant.
alter table suppression_job drop constraint suppression_job_state_check;
alter table suppression_job add constraint suppression_job_state_check
  check (state in ('waiting', 'running', 'done', 'failed', 'cancelled'));
grant update (state, finished_at) on suppression_job to lettergate_tenant;
grant delete on suppression_chunk to lettergate_tenant;
