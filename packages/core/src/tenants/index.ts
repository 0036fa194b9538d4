/** Tenants, their plans and keys, and figures of them: made and read by the operator. */

export { createPlan, deletePlan, listPlans, type PlanRow, planNames, readPlan, updatePlan } from './plans.ts'
export { presentPlan, presentTenant } from './present.ts'
export { readSettings, updateSettings } from './settings.ts'
export { lockTenant } from './sql/lock-tenant.ts'
export { type BacklogRow, type BacklogView, readBacklog } from './sql/read-backlog.ts'
export { type OverviewRow, readOverview } from './sql/read-overview.ts'
export { readTenantHealth, type TenantHealthRow } from './sql/read-tenant-health.ts'
export { readTenantUsage, type UsageDayRow } from './sql/read-tenant-usage.ts'
export { resumeTenant, suspendTenant } from './suspend.ts'
export { createTenantKey, listTenantKeys, revokeTenantKey, type TenantKeyRow } from './tenant-keys.ts'
export {
  addTenant,
  createTenant,
  listTenants,
  readTenant,
  type TenantRow,
  tenantExists,
  updateTenant,
} from './tenants.ts'
