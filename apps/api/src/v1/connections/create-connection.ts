import { CONNECTIONS_MAX } from '@lettergate/contracts/connections/max'
import { CreateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { createConnection } from '@lettergate/core/connections'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Stores an account at a provider; its credentials are sealed and never answered. */
export const createConnectionRoute = tenantRoute('POST', '/v1/connections', {
  scope: 'connections:write',
  liveOnly: true,
  takesLong: true,
  operationId: 'createConnection',
  summary: 'Create a connection',
  description:
    'Adds an account at a provider to send through. The connection with the lowest `priority` is used first. ' +
    `A tenant has ${CONNECTIONS_MAX} connections at most: one more gets 409. Needs a live key.`,
  body: CreateConnectionRequest,
  answers: { 201: answer('The new connection.', Connection) },
  problems: [409],
  handler: async ({ deps, reply, tenantId, body }) => {
    const connection = presentConnection(await createConnection(deps, tenantId, body))
    reply.header('location', `/v1/connections/${connection.id}`)
    return connection
  },
})
