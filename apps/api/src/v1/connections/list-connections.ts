import { ConnectionList } from '@lettergate/contracts/connections/responses'
import { listConnections } from '@lettergate/core/connections'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Lists the tenant's connections in the order in which they are used. */
export function addListConnectionsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/connections', {
    config: { scope: 'connections:read', liveOnly: true },
    schema: {
      operationId: 'listConnections',
      summary: 'List connections',
      description: 'All connections by priority, without their credentials. Needs a live key.',
      tags: ['Connections'],
      response: { 200: answer('All connections.', ConnectionList), ...problemAnswers(401, 403, 503) },
    },
    handler: async (request): Promise<ConnectionList> => {
      const rows = await listConnections(deps, tenantOf(request).tenantId)
      return { data: rows.map(presentConnection) }
    },
  })
}
