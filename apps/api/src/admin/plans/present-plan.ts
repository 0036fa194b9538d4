import type { Plan } from '@lettergate/contracts/admin/plans'
import type { PlanRow } from '@lettergate/core/tenants'

/** Presents a plan. */
export function presentPlan({ _count: { tenants }, created_at, updated_at, ...plan }: PlanRow): Plan {
  return { ...plan, tenants, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() }
}
