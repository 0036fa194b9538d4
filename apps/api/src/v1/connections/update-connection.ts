import { UpdateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { Connection } from '@lettergate/contracts/connections/responses'
import { updateConnection } from '@lettergate/core/connections'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentConnection } from './present-connection.ts'

/** Changes a connection, except its provider. */
export function addUpdateConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: UpdateConnectionRequest }>('/v1/connections/:id', {
    config: { scope: 'connections:write', liveOnly: true, takesLong: true },
    schema: {
      operationId: 'updateConnection',
      summary: 'Change a connection',
      description:
        'Fields left out stay as they are; `settings`, `credentials` and `limits` are replaced as a whole. The change holds for ' +
        'every attempt that begins from now on; revoke old credentials at the provider a minute later. Messages that failed or ' +
        'waited because of the old settings or credentials are retried within seconds. Settings that lead to another server ' +
        '(host, port or address), or that weaken the encryption, need `credentials` in the same request: 422 without. Needs a live key.',
      tags: ['Connections'],
      params: ConnectionPath,
      body: UpdateConnectionRequest,
      response: {
        200: answer('The connection as it is now.', Connection),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Connection> => {
      const id = pathId('con', request.params.id)
      return presentConnection(await updateConnection(deps, tenantOf(request).tenantId, id, request.body))
    },
  })
}
