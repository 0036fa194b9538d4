import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { PlanRow, TenantRow } from '@lettergate/core/tenants'

/** A tenant, in the names of the API. */
export function showTenant(row: TenantRow) {
  return {
    id: toPublicId('ten', row.id),
    name: row.name,
    plan: row.plan,
    state: row.suspended_at === null ? 'active' : 'suspended',
    suspended_at: row.suspended_at?.toISOString() ?? null,
    suspended_reason: row.suspended_reason,
    accepted_per_day: row.daily_limit,
    own_limits: row.own_limits,
    egress_extra: row.egress_extra,
    retry_hours: row.retry_hours,
    on_unknown: row.on_unknown,
    created_at: row.created_at.toISOString(),
  }
}

/** A plan, in the names of the API. */
export function showPlan({ _count: { tenants }, created_at, updated_at, ...plan }: PlanRow) {
  return { ...plan, tenants, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() }
}
