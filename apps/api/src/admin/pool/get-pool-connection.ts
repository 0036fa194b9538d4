import { Connection } from '@lettergate/contracts/connections/responses'
import { readConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Shows a connection of the pool without its credentials. */
export function addGetPoolConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/admin/pool/:id', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'getPoolConnection',
      summary: 'Read a connection of the shared pool',
      description:
        'The connection without its credentials, with its health for all tenants. Needs an operator key.',
      tags: ['Shared pool'],
      params: ConnectionPath,
      response: { 200: answer('The connection.', Connection), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<Connection> =>
      presentConnection(await readConnection(deps, POOL_TENANT_ID, pathId('con', request.params.id))),
  })
}
