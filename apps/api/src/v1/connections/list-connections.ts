import { ConnectionList } from '@lettergate/contracts/connections/responses'
import { listConnections } from '@lettergate/core/connections'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Lists the tenant's connections in the order in which they are used. */
export const listConnectionsRoute = tenantRoute('GET', '/v1/connections', {
  scope: 'connections:read',
  liveOnly: true,
  operationId: 'listConnections',
  summary: 'List connections',
  description: 'All connections by priority, without their credentials. Needs a live key.',
  answers: { 200: answer('All connections.', ConnectionList) },
  handler: async ({ deps, tenantId }) => {
    const rows = await listConnections(deps, tenantId)
    return { data: rows.map(presentConnection) }
  },
})
