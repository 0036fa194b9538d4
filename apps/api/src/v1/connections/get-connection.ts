import { Connection } from '@lettergate/contracts/connections/responses'
import { readConnection } from '@lettergate/core/connections'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Shows a connection without its credentials. */
export function addGetConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/connections/:id', {
    config: { scope: 'connections:read', liveOnly: true },
    schema: {
      operationId: 'getConnection',
      summary: 'Read a connection',
      description: 'The connection without its credentials, which are never shown. Needs a live key.',
      tags: ['Connections'],
      params: ConnectionPath,
      response: { 200: answer('The connection.', Connection), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<Connection> => {
      return presentConnection(
        await readConnection(deps, tenantOf(request).tenantId, pathId('con', request.params.id)),
      )
    },
  })
}
