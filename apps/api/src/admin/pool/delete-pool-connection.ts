import { ConnectionDeleted } from '@lettergate/contracts/connections/responses'
import { deleteConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'

/** Removes a connection of the pool and its credentials for good. */
export function addDeletePoolConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/admin/pool/:id', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'deletePoolConnection',
      summary: 'Remove a connection from the shared pool',
      description:
        'Deletes the connection and its credentials. No attempt that begins from now on uses it; those that are under way end. Waiting mail ' +
        'goes through the other connections, or is held. Needs an operator key.',
      tags: ['Shared pool'],
      params: ConnectionPath,
      response: {
        200: answer('The connection is deleted.', ConnectionDeleted),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<ConnectionDeleted> => {
      const id = pathId('con', request.params.id)
      const unregister = await deps.registrar.beforeDelete(POOL_TENANT_ID, id)
      const { messages } = await deleteConnection(deps, POOL_TENANT_ID, id, 'move')
      unregister()
      return { id: request.params.id, queued: 'move', messages, disabled_routes: [] }
    },
  })
}
