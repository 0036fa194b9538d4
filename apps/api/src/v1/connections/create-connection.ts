import { CONNECTIONS_MAX } from '@lettergate/contracts/connections/max'
import { CreateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { createConnection } from '@lettergate/core/connections'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Stores an account at a provider; its credentials are sealed and never answered. */
export function addCreateConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateConnectionRequest }>('/v1/connections', {
    config: { scope: 'connections:write', liveOnly: true, takesLong: true },
    schema: {
      operationId: 'createConnection',
      summary: 'Create a connection',
      description:
        'Adds an account at a provider to send through. The connection with the lowest `priority` is used first. ' +
        `A tenant has ${CONNECTIONS_MAX} connections at most: one more gets 409. Needs a live key.`,
      tags: ['Connections'],
      body: CreateConnectionRequest,
      response: {
        201: answer('The new connection.', Connection),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const connection = presentConnection(
        await createConnection(deps, tenantOf(request).tenantId, request.body),
      )
      return reply.code(201).header('location', `/v1/connections/${connection.id}`).send(connection)
    },
  })
}
