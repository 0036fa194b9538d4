import { UpdateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { updateConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Changes a connection of the pool, except its provider. */
export const updatePoolConnectionRoute = operatorRoute('PATCH', '/v1/admin/pool/:id', {
  takesLong: true,
  operationId: 'updatePoolConnection',
  summary: 'Change a connection of the shared pool',
  description:
    'As for a connection of a tenant. The change holds for every attempt of any tenant that begins from now on. Needs an operator key.',
  id: 'con',
  body: UpdateConnectionRequest,
  answers: { 200: answer('The connection as it is now.', Connection) },
  handler: async ({ deps, id, body }) =>
    presentConnection(await updateConnection(deps, POOL_TENANT_ID, id, body)),
})
