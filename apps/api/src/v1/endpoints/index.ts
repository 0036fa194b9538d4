import type { RouteGroup } from '../../http/add-routes.ts'
import { createEndpointRoute } from './create-endpoint.ts'
import { deleteEndpointRoute } from './delete-endpoint.ts'
import { getDefaultSecretRoute } from './get-default-secret.ts'
import { getEndpointRoute } from './get-endpoint.ts'
import { listDeliveriesRoute } from './list-deliveries.ts'
import { listEndpointsRoute } from './list-endpoints.ts'
import { replayRoute } from './replay.ts'
import { rotateDefaultSecretRoute } from './rotate-default-secret.ts'
import { rotateSecretRoute } from './rotate-secret.ts'
import { testEndpointRoute } from './test-endpoint.ts'
import { updateEndpointRoute } from './update-endpoint.ts'

/** Header fields of calls are the largest part of a body. */
const BYTES_MAX = 64 * 1024

export const endpointRoutes: RouteGroup = {
  tag: 'Endpoints',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    getDefaultSecretRoute,
    rotateDefaultSecretRoute,
    createEndpointRoute,
    listEndpointsRoute,
    getEndpointRoute,
    updateEndpointRoute,
    deleteEndpointRoute,
    rotateSecretRoute,
    testEndpointRoute,
    listDeliveriesRoute,
    replayRoute,
  ],
}
