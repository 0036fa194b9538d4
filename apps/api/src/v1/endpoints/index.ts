import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCreateEndpointRoute } from './create-endpoint.ts'
import { addDeleteEndpointRoute } from './delete-endpoint.ts'
import { addGetDefaultSecretRoute } from './get-default-secret.ts'
import { addGetEndpointRoute } from './get-endpoint.ts'
import { addListDeliveriesRoute } from './list-deliveries.ts'
import { addListEndpointsRoute } from './list-endpoints.ts'
import { addReplayRoute } from './replay.ts'
import { addRotateDefaultSecretRoute } from './rotate-default-secret.ts'
import { addRotateSecretRoute } from './rotate-secret.ts'
import { addTestEndpointRoute } from './test-endpoint.ts'
import { addUpdateEndpointRoute } from './update-endpoint.ts'

/** Header fields of calls are the largest part of a body. */
const BYTES_MAX = 64 * 1024

export function addEndpointRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addGetDefaultSecretRoute(app, deps)
  addRotateDefaultSecretRoute(app, deps)
  addCreateEndpointRoute(app, deps)
  addListEndpointsRoute(app, deps)
  addGetEndpointRoute(app, deps)
  addUpdateEndpointRoute(app, deps)
  addDeleteEndpointRoute(app, deps)
  addRotateSecretRoute(app, deps)
  addTestEndpointRoute(app, deps)
  addListDeliveriesRoute(app, deps)
  addReplayRoute(app, deps)
}
