-- A connection that was mended is tried again at once, and so is the mail that waits for that. Nothing here takes a lock that others
-- notice: no table is changed.

-- Whoever changes a connection lets its circuit be probed and ends its pause; what workers count stays theirs.
grant update (state, opened, retry_at, probe_until, paused_until, pause_reason) on connection_health to lettergate_tenant;

-- As claim_outcome_2, with the version of the tenant's connections by which a try failed that may go well after a change of them; null:
-- no change of them makes a difference. The version before goes on with claim_outcome_2.
create type claim_outcome_3 as (
  tenant_id uuid, message_id uuid, epoch int8, mode text, usage_day text, retry_in_ms float8, give_back int4, number int2,
  connection_id uuid, provider text, started_at timestamptz, outcome text, scope text, reason text,
  provider_message_id text, positions int2[], code text, choice json, wait_version int4);
