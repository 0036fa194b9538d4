import type { Plan } from '@lettergate/contracts/admin/plans'
import type { Tenant } from '@lettergate/contracts/admin/tenants'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { PlanRow } from './plans.ts'
import type { TenantRow } from './tenants.ts'

/** Presents a tenant in the names of the API. */
export function presentTenant({ id, daily_limit, suspended_at, created_at, ...row }: TenantRow): Tenant {
  return {
    id: toPublicId('ten', id),
    name: row.name,
    plan: row.plan,
    state: suspended_at === null ? 'active' : 'suspended',
    suspended_at: suspended_at?.toISOString() ?? null,
    suspended_reason: row.suspended_reason,
    accepted_per_day: daily_limit,
    own_limits: row.own_limits,
    egress_extra: row.egress_extra,
    retry_hours: row.retry_hours,
    on_unknown: row.on_unknown,
    created_at: created_at.toISOString(),
  }
}

/** Presents a plan in the names of the API. */
export function presentPlan({ _count: { tenants }, created_at, updated_at, ...plan }: PlanRow): Plan {
  return { ...plan, tenants, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() }
}
