import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../deps.ts'
import { addJsonBody } from '../http/json-body.ts'
import { addExportAdminAuditRoute } from './audit/export-audit.ts'
import { addListAdminAuditRoute } from './audit/list-audit.ts'
import { addCancelAdminBulkRoute } from './bulk/cancel-bulk.ts'
import { addGetAdminBulkRoute } from './bulk/get-bulk.ts'
import { addStartAdminBulkRoute } from './bulk/start-bulk.ts'
import { addBacklogRoute } from './figures/backlog.ts'
import { addOverviewRoute } from './figures/overview.ts'
import { addTenantHealthRoute } from './figures/tenant-health.ts'
import { addTenantUsageRoute } from './figures/tenant-usage.ts'
import { addCreatePlanRoute } from './plans/create-plan.ts'
import { addDeletePlanRoute } from './plans/delete-plan.ts'
import { addGetPlanRoute } from './plans/get-plan.ts'
import { addListPlansRoute } from './plans/list-plans.ts'
import { addUpdatePlanRoute } from './plans/update-plan.ts'
import { addCreateTenantKeyRoute } from './tenants/create-key.ts'
import { addCreateTenantRoute } from './tenants/create-tenant.ts'
import { addGetTenantRoute } from './tenants/get-tenant.ts'
import { addListTenantKeysRoute } from './tenants/list-keys.ts'
import { addListTenantsRoute } from './tenants/list-tenants.ts'
import { addResumeTenantRoute } from './tenants/resume-tenant.ts'
import { addRevokeTenantKeyRoute } from './tenants/revoke-key.ts'
import { addSuspendTenantRoute } from './tenants/suspend-tenant.ts'
import { addUpdateTenantRoute } from './tenants/update-tenant.ts'

/** A plan with as many hosts and ports as it may have. */
const BYTES_MAX = 64 * 1024

/** The operator's routes: each needs a key with the scope admin. */
export function addAdminRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addOverviewRoute(app, deps)
  addBacklogRoute(app, deps)
  addCreateTenantRoute(app, deps)
  addListTenantsRoute(app, deps)
  addGetTenantRoute(app, deps)
  addUpdateTenantRoute(app, deps)
  addSuspendTenantRoute(app, deps)
  addResumeTenantRoute(app, deps)
  addTenantUsageRoute(app, deps)
  addTenantHealthRoute(app, deps)
  addCreateTenantKeyRoute(app, deps)
  addListTenantKeysRoute(app, deps)
  addRevokeTenantKeyRoute(app, deps)
  addCreatePlanRoute(app, deps)
  addListPlansRoute(app, deps)
  addGetPlanRoute(app, deps)
  addUpdatePlanRoute(app, deps)
  addDeletePlanRoute(app, deps)
  addListAdminAuditRoute(app, deps)
  addExportAdminAuditRoute(app, deps)
  addStartAdminBulkRoute(app, deps)
  addGetAdminBulkRoute(app, deps)
  addCancelAdminBulkRoute(app, deps)
}
