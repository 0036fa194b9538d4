/** Tenants: made by the operator. */

export { readSettings, updateSettings } from './settings.ts'
export { lockTenant } from './sql/lock-tenant.ts'
export { createTenant, DAILY_LIMIT_BY_PLAN, tenantExists } from './tenants.ts'
