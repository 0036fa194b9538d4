import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../plugins/json-body.ts'
import { addCreateConnectionRoute } from './create-connection.ts'
import { addDeleteConnectionRoute } from './delete-connection.ts'
import { addGetConnectionRoute } from './get-connection.ts'
import { addListConnectionsRoute } from './list-connections.ts'

const BYTES_MAX = 64 * 1024

export function addConnectionRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { budget: deps.budget, bytesMax: BYTES_MAX })
  addCreateConnectionRoute(app, deps)
  addListConnectionsRoute(app, deps)
  addGetConnectionRoute(app, deps)
  addDeleteConnectionRoute(app, deps)
}
