import { UpdateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { updateConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Changes a connection of the pool, except its provider. */
export function addUpdatePoolConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: UpdateConnectionRequest }>('/v1/admin/pool/:id', {
    config: { scope: 'admin', takesLong: true },
    schema: {
      operationId: 'updatePoolConnection',
      summary: 'Change a connection of the shared pool',
      description:
        'As for a connection of a tenant. The change holds for every attempt of any tenant that begins from now on. Needs an operator key.',
      tags: ['Shared pool'],
      params: ConnectionPath,
      body: UpdateConnectionRequest,
      response: {
        200: answer('The connection as it is now.', Connection),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Connection> => {
      const id = pathId('con', request.params.id)
      return presentConnection(await updateConnection(deps, POOL_TENANT_ID, id, request.body))
    },
  })
}
