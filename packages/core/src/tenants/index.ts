/** Tenants, their plans and keys, and figures of them: made and read by the operator. */

export { createPlan, deletePlan, listPlans, planNames, readPlan, updatePlan } from './plans.ts'
export { presentPlan, presentTenant } from './present.ts'
export { readSettings, updateSettings } from './settings.ts'
export { lockTenant } from './sql/lock-tenant.ts'
export { readBacklog } from './sql/read-backlog.ts'
export { readOverview } from './sql/read-overview.ts'
export { readTenantHealth } from './sql/read-tenant-health.ts'
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
