import { CreateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { createConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Adds an account that all tenants may send through. */
export const createPoolConnectionRoute = operatorRoute('POST', '/v1/admin/pool', {
  takesLong: true,
  operationId: 'createPoolConnection',
  summary: 'Add a connection to the shared pool',
  description:
    'An account of yours at a provider, or `direct`, that tenants send through as far as their plan allows. Mail that waits for a ' +
    'connection is sent within seconds. Needs an operator key.',
  body: CreateConnectionRequest,
  answers: { 201: answer('The new connection.', Connection) },
  problems: [409],
  handler: async ({ deps, reply, body }) => {
    const connection = presentConnection(await createConnection(deps, POOL_TENANT_ID, body))
    reply.header('location', `/v1/admin/pool/${connection.id}`)
    return connection
  },
})
