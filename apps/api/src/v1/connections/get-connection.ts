import { Connection } from '@lettergate/contracts/connections/responses'
import { readConnection } from '@lettergate/core/connections'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Shows a connection without its credentials. */
export const getConnectionRoute = tenantRoute('GET', '/v1/connections/:id', {
  scope: 'connections:read',
  liveOnly: true,
  operationId: 'getConnection',
  summary: 'Read a connection',
  description: 'The connection without its credentials, which are never shown. Needs a live key.',
  id: 'con',
  answers: { 200: answer('The connection.', Connection) },
  handler: async ({ deps, tenantId, id }) => presentConnection(await readConnection(deps, tenantId, id)),
})
