import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCreatePoolConnectionRoute } from './create-pool-connection.ts'
import { addDecidePoolTenantRoutes } from './decide-pool-tenant.ts'
import { addDeletePoolConnectionRoute } from './delete-pool-connection.ts'
import { addGetPoolConnectionRoute } from './get-pool-connection.ts'
import { addListPoolConnectionsRoute } from './list-pool-connections.ts'
import { addListPoolTenantsRoute } from './list-pool-tenants.ts'
import { addPoolSettingsRoutes } from './pool-settings.ts'
import { addRegisterPoolEventsRoutes } from './register-pool-events.ts'
import { addSetPoolCeilingRoute } from './set-pool-ceiling.ts'
import { addTestPoolConnectionRoute } from './test-pool-connection.ts'
import { addUpdatePoolConnectionRoute } from './update-pool-connection.ts'

const BYTES_MAX = 2 * 1024 * 1024

/** The connections that the operator shares with all tenants, and who may send through them. */
export function addPoolAdminRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addPoolSettingsRoutes(app, deps)
  addListPoolTenantsRoute(app, deps)
  addDecidePoolTenantRoutes(app, deps)
  addSetPoolCeilingRoute(app, deps)
  addCreatePoolConnectionRoute(app, deps)
  addListPoolConnectionsRoute(app, deps)
  addGetPoolConnectionRoute(app, deps)
  addUpdatePoolConnectionRoute(app, deps)
  addTestPoolConnectionRoute(app, deps)
  addRegisterPoolEventsRoutes(app, deps)
  addDeletePoolConnectionRoute(app, deps)
}
