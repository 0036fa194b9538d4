import { DeleteConnectionQuery } from '@lettergate/contracts/connections/requests'
import { ConnectionDeleted } from '@lettergate/contracts/connections/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { deleteConnection } from '@lettergate/core/connections'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'

/** Removes a connection and its credentials for good. */
export function addDeleteConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string }; Querystring: DeleteConnectionQuery }>('/v1/connections/:id', {
    config: { scope: 'connections:write', liveOnly: true },
    schema: {
      operationId: 'deleteConnection',
      summary: 'Delete a connection',
      description:
        'Deletes the connection and its credentials. Waiting messages that name it are sent through your other connections, ' +
        'unless `queued` says otherwise; messages that are being sent now are not stopped. The connection is removed from routes, and ' +
        'a route that had no other target is disabled. A registration of its events is undone at the provider. ' +
        'With very many messages the answer may be 503 before the work is done: repeat the request to continue. Needs a live key.',
      tags: ['Connections'],
      params: ConnectionPath,
      querystring: DeleteConnectionQuery,
      response: {
        200: answer('The connection is deleted.', ConnectionDeleted),
        ...problemAnswers(401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<ConnectionDeleted> => {
      const { queued } = request.query
      const id = pathId('con', request.params.id)
      const { tenantId } = tenantOf(request)
      const unregister = await deps.registrar.beforeDelete(tenantId, id)
      const { messages, disabledRoutes } = await deleteConnection(deps, tenantId, id, queued)
      // Nobody waits for the provider. If it does not answer, its events are refused from now on.
      unregister()
      const routes = disabledRoutes.map((route) => toPublicId('rte', route))
      return { id: request.params.id, queued, messages, disabled_routes: routes }
    },
  })
}
