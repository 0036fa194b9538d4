import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCreateConnectionRoute } from './create-connection.ts'
import { addDeleteConnectionRoute } from './delete-connection.ts'
import { addGetConnectionRoute } from './get-connection.ts'
import { addListConnectionEventsRoute } from './list-connection-events.ts'
import { addListConnectionsRoute } from './list-connections.ts'
import { addTestConnectionRoute } from './test-connection.ts'
import { addUpdateConnectionRoute } from './update-connection.ts'

/** Credentials that are far too long are refused with their pointer, and not as a body that is too large. */
const BYTES_MAX = 2 * 1024 * 1024

export function addConnectionRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addCreateConnectionRoute(app, deps)
  addListConnectionsRoute(app, deps)
  addGetConnectionRoute(app, deps)
  addUpdateConnectionRoute(app, deps)
  addTestConnectionRoute(app, deps)
  addListConnectionEventsRoute(app, deps)
  addDeleteConnectionRoute(app, deps)
}
