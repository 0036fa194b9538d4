import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentRegistration } from './present-registration.ts'

/** Shows where the events of a connection come in, and whether they do. */
export function addGetRegistrationRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/connections/:id/register-events', {
    config: { scope: 'connections:read', liveOnly: true },
    schema: {
      operationId: 'getEventsRegistration',
      summary: 'Read the registration of events',
      description:
        'Whether the events of the connection are registered, when the last one came, and how many requests were refused. The counts are ' +
        'at most a few seconds old. The provider is not asked. Needs a live key.',
      tags: ['Provider events'],
      params: ConnectionPath,
      response: {
        200: answer('The state of the registration.', EventsRegistration),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request): Promise<EventsRegistration> => {
      const id = pathId('con', request.params.id)
      return presentRegistration(id, await deps.registrar.read(tenantOf(request).tenantId, id))
    },
  })
}
