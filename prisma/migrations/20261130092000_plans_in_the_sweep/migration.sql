-- The sweep brings tenants up to a plan that was changed.
grant update (daily_limit, own_limits) on tenant to lettergate_batch;
