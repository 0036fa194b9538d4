-- The sweep brings tenants up to a plan that was changed.
grant update (daily_limit, own_limits) on tenant to lettergate_batch;

-- Triggers of the pool read these when the operator makes a tenant or changes its limits.
grant select on pool_setting, abuse_state to lettergate_operator;
create policy operator_rows on abuse_state for select to lettergate_operator using (true);

-- A retry of many messages runs with the rights of a worker: it moves each to the present day.
grant update (usage_day, bytes_day, recipient_count) on message to lettergate_batch;
grant select, insert, update, delete on usage_moved to lettergate_batch;
