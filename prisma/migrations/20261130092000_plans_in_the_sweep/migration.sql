-- The sweep brings tenants up to a plan that was changed.
grant update (daily_limit, own_limits) on tenant to lettergate_batch;

-- Triggers of the pool read these when the operator makes a tenant or changes its limits.
grant select on pool_setting, abuse_state to lettergate_operator;
create policy operator_rows on abuse_state for select to lettergate_operator using (true);
