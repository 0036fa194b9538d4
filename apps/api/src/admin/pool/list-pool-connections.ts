import { ConnectionList } from '@lettergate/contracts/connections/responses'
import { listConnections } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Lists the connections of the pool in the order in which they are used. */
export function addListPoolConnectionsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/admin/pool', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'listPoolConnections',
      summary: 'List the connections of the shared pool',
      description: 'All of them by priority, without their credentials. Needs an operator key.',
      tags: ['Shared pool'],
      response: {
        200: answer('All connections of the pool.', ConnectionList),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (): Promise<ConnectionList> => ({
      data: (await listConnections(deps, POOL_TENANT_ID)).map(presentConnection),
    }),
  })
}
