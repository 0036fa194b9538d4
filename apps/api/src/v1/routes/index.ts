import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCreateRouteRoute } from './create-route.ts'
import { addDeleteRouteRoute } from './delete-route.ts'
import { addGetRouteRoute } from './get-route.ts'
import { addListRoutesRoute } from './list-routes.ts'
import { addUpdateRouteRoute } from './update-route.ts'

const BYTES_MAX = 64 * 1024

export function addRouteRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addCreateRouteRoute(app, deps)
  addListRoutesRoute(app, deps)
  addGetRouteRoute(app, deps)
  addUpdateRouteRoute(app, deps)
  addDeleteRouteRoute(app, deps)
}
