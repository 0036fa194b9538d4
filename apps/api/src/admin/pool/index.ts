import type { RouteGroup } from '../../http/add-routes.ts'
import { createPoolConnectionRoute } from './create-pool-connection.ts'
import { pausePoolTenantRoute, resumePoolTenantRoute } from './decide-pool-tenant.ts'
import { deletePoolConnectionRoute } from './delete-pool-connection.ts'
import { getPoolConnectionRoute } from './get-pool-connection.ts'
import { listPoolConnectionsRoute } from './list-pool-connections.ts'
import { listPoolTenantsRoute } from './list-pool-tenants.ts'
import { getPoolSettingsRoute, updatePoolSettingsRoute } from './pool-settings.ts'
import { registerPoolEventsRoute, unregisterPoolEventsRoute } from './register-pool-events.ts'
import { setPoolCeilingRoute } from './set-pool-ceiling.ts'
import { testPoolConnectionRoute } from './test-pool-connection.ts'
import { updatePoolConnectionRoute } from './update-pool-connection.ts'

const BYTES_MAX = 2 * 1024 * 1024

/** The connections that the operator shares with all tenants, and who may send through them. */
export const poolAdminRoutes: RouteGroup = {
  tag: 'Shared pool',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    getPoolSettingsRoute,
    updatePoolSettingsRoute,
    listPoolTenantsRoute,
    pausePoolTenantRoute,
    resumePoolTenantRoute,
    setPoolCeilingRoute,
    createPoolConnectionRoute,
    listPoolConnectionsRoute,
    getPoolConnectionRoute,
    updatePoolConnectionRoute,
    testPoolConnectionRoute,
    registerPoolEventsRoute,
    unregisterPoolEventsRoute,
    deletePoolConnectionRoute,
  ],
}
