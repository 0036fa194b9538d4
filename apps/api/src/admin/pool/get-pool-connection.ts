import { Connection } from '@lettergate/contracts/connections/responses'
import { readConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Shows a connection of the pool without its credentials. */
export const getPoolConnectionRoute = operatorRoute('GET', '/v1/admin/pool/:id', {
  operationId: 'getPoolConnection',
  summary: 'Read a connection of the shared pool',
  description:
    'The connection without its credentials, with its health for all tenants. Needs an operator key.',
  id: 'con',
  answers: { 200: answer('The connection.', Connection) },
  handler: async ({ deps, id }) => presentConnection(await readConnection(deps, POOL_TENANT_ID, id)),
})
