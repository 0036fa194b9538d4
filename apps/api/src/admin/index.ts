import type { RouteGroup } from '../http/add-routes.ts'
import { exportAdminAuditRoute } from './audit/export-audit.ts'
import { listAdminAuditRoute } from './audit/list-audit.ts'
import { cancelAdminBulkRoute } from './bulk/cancel-bulk.ts'
import { getAdminBulkRoute } from './bulk/get-bulk.ts'
import { startAdminBulkRoute } from './bulk/start-bulk.ts'
import { backlogRoute } from './figures/backlog.ts'
import { overviewRoute } from './figures/overview.ts'
import { tenantHealthRoute } from './figures/tenant-health.ts'
import { tenantUsageRoute } from './figures/tenant-usage.ts'
import { createPlanRoute } from './plans/create-plan.ts'
import { deletePlanRoute } from './plans/delete-plan.ts'
import { getPlanRoute } from './plans/get-plan.ts'
import { listPlansRoute } from './plans/list-plans.ts'
import { updatePlanRoute } from './plans/update-plan.ts'
import { createTenantKeyRoute } from './tenants/create-key.ts'
import { createTenantRoute } from './tenants/create-tenant.ts'
import { getTenantRoute } from './tenants/get-tenant.ts'
import { listTenantKeysRoute } from './tenants/list-keys.ts'
import { listTenantsRoute } from './tenants/list-tenants.ts'
import { resumeTenantRoute } from './tenants/resume-tenant.ts'
import { revokeTenantKeyRoute } from './tenants/revoke-key.ts'
import { suspendTenantRoute } from './tenants/suspend-tenant.ts'
import { updateTenantRoute } from './tenants/update-tenant.ts'

/** A plan with as many hosts and ports as it may have. */
const BYTES_MAX = 64 * 1024

/** The operator's routes: each needs a key with the scope admin. */
export const adminRoutes: RouteGroup = {
  tag: 'Operator',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    overviewRoute,
    backlogRoute,
    createTenantRoute,
    listTenantsRoute,
    getTenantRoute,
    updateTenantRoute,
    suspendTenantRoute,
    resumeTenantRoute,
    tenantUsageRoute,
    tenantHealthRoute,
    createTenantKeyRoute,
    listTenantKeysRoute,
    revokeTenantKeyRoute,
    createPlanRoute,
    listPlansRoute,
    getPlanRoute,
    updatePlanRoute,
    deletePlanRoute,
    listAdminAuditRoute,
    exportAdminAuditRoute,
    startAdminBulkRoute,
    getAdminBulkRoute,
    cancelAdminBulkRoute,
  ],
}
