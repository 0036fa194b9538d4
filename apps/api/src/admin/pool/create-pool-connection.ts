import { CreateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { createConnection } from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from '../../v1/connections/present-connection.ts'

/** Adds an account that all tenants may send through. */
export function addCreatePoolConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateConnectionRequest }>('/v1/admin/pool', {
    config: { scope: 'admin', takesLong: true },
    schema: {
      operationId: 'createPoolConnection',
      summary: 'Add a connection to the shared pool',
      description:
        'An account of yours at a provider, or `direct`, that tenants send through as far as their plan allows. Mail that waits for a ' +
        'connection is sent within seconds. Needs an operator key.',
      tags: ['Shared pool'],
      body: CreateConnectionRequest,
      response: {
        201: answer('The new connection.', Connection),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const connection = presentConnection(await createConnection(deps, POOL_TENANT_ID, request.body))
      return reply.code(201).header('location', `/v1/admin/pool/${connection.id}`).send(connection)
    },
  })
}
