import { RotateCredentialsRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { rotateCredentials } from '@lettergate/core/connections'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Replaces the credentials of a connection; neither the old ones nor the new ones are answered. */
export function addRotateCredentialsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: RotateCredentialsRequest }>('/v1/connections/:id/credentials', {
    config: { scope: 'connections:write', liveOnly: true },
    schema: {
      operationId: 'rotateCredentials',
      summary: 'Replace the credentials of a connection',
      description:
        'The new credentials replace all stored ones. They hold for every attempt that begins from now on. Revoke the old ' +
        'ones at the provider a minute later. Messages that failed or waited because of them are retried within seconds. Needs a live key.',
      tags: ['Connections'],
      params: ConnectionPath,
      body: RotateCredentialsRequest,
      response: {
        200: answer('The connection, without its credentials.', Connection),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Connection> => {
      const id = pathId('con', request.params.id)
      const { credentials } = request.body
      return presentConnection(await rotateCredentials(deps, tenantOf(request).tenantId, id, credentials))
    },
  })
}
