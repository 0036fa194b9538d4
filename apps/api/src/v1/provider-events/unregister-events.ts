import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentRegistration } from './present-registration.ts'

/** Undoes a registration at the provider. */
export function addUnregisterEventsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/connections/:id/register-events', {
    config: { scope: 'connections:write', liveOnly: true, takesLong: true },
    schema: {
      operationId: 'unregisterEvents',
      summary: 'Undo the registration of events',
      description:
        'Removes the webhook at the provider. Events that are on their way are accepted for 24 hours. If the provider refuses, the answer ' +
        'is 200 with the problem, and nothing is changed. Needs a live key.',
      tags: ['Provider events'],
      params: ConnectionPath,
      response: {
        200: answer('The state of the registration.', EventsRegistration),
        ...problemAnswers(401, 403, 404, 409, 429, 503),
      },
    },
    handler: async (request): Promise<EventsRegistration> => {
      const id = pathId('con', request.params.id)
      return presentRegistration(id, await deps.registrar.unregister(tenantOf(request).tenantId, id))
    },
  })
}
