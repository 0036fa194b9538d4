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
        'Removes the connection and its credentials for good. Messages that wait and name it go by your other connections, ' +
        'unless `queued` says otherwise; what is being handed over at this moment is not called back. Routes lose it as a target, and ' +
        'those that led to it alone are disabled. With very many messages it may ' +
        'answer 503 before it is done: repeat it to go on. Needs a live key.',
      tags: ['Connections'],
      params: ConnectionPath,
      querystring: DeleteConnectionQuery,
      response: {
        200: answer('It is gone.', ConnectionDeleted),
        ...problemAnswers(401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<ConnectionDeleted> => {
      const { queued } = request.query
      const id = pathId('con', request.params.id)
      const { messages, disabledRoutes } = await deleteConnection(
        deps,
        tenantOf(request).tenantId,
        id,
        queued,
      )
      const routes = disabledRoutes.map((route) => toPublicId('rte', route))
      return { id: request.params.id, queued, messages, disabled_routes: routes }
    },
  })
}
