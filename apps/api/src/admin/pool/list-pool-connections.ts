import { ConnectionList } from '@lettergate/contracts/connections/responses'
import { listConnections } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Lists the connections of the pool in the order in which they are used. */
export const listPoolConnectionsRoute = operatorRoute('GET', '/v1/admin/pool', {
  operationId: 'listPoolConnections',
  summary: 'List the connections of the shared pool',
  description: 'All of them by priority, without their credentials. Needs an operator key.',
  answers: { 200: answer('All connections of the pool.', ConnectionList) },
  handler: async ({ deps }) => ({
    data: (await listConnections(deps, POOL_TENANT_ID)).map(presentConnection),
  }),
})
