import { deleteConnection } from '@lettergate/core/connections'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../plugins/authenticate.ts'
import { pathId } from '../path-id.ts'
import { ConnectionPath, problemAnswers } from '../schemas.ts'

/** Removes a connection and its credentials for good. */
export function addDeleteConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/connections/:id', {
    config: { scope: 'connections:write', liveOnly: true },
    schema: {
      operationId: 'deleteConnection',
      summary: 'Delete a connection',
      description:
        'Removes the connection and its credentials for good. Messages that ask for it are held. Needs a live key.',
      tags: ['Connections'],
      params: ConnectionPath,
      response: { 204: z.null().describe('It is gone.'), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request, reply) => {
      await deleteConnection(deps, tenantOf(request).tenantId, pathId('con', request.params.id))
      return reply.code(204).send()
    },
  })
}
