/** Tenants: made by the operator. */
export { lockTenant } from './sql/lock-tenant.ts'
export { tenantExists } from './sql/tenant-exists.ts'
export { createTenant, DAILY_LIMIT_BY_PLAN } from './tenants.ts'
