import { RegisterEventsRequest } from '@lettergate/contracts/provider-events/requests'
import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentRegistration } from '../../v1/provider-events/present-registration.ts'

const config = { scope: 'admin', takesLong: true } as const
const tags = ['Shared pool']
const answers = {
  200: answer('The state of the registration.', EventsRegistration),
  ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
}

/** Lets the provider of a connection of the pool report what became of mail, which the rule against abuse needs. */
export function addRegisterPoolEventsRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: RegisterEventsRequest }>('/v1/admin/pool/:id/register-events', {
    config,
    schema: {
      tags,
      params: ConnectionPath,
      body: RegisterEventsRequest,
      response: answers,
      operationId: 'registerPoolEvents',
      summary: 'Register the events of a connection of the shared pool',
      description:
        'Makes the provider send its events to this gateway. Each event goes to the tenant whose message it is about; bounces and ' +
        'complaints count for the tenant’s standing with the pool. Needs an operator key.',
    },
    handler: async (request): Promise<EventsRegistration> => {
      const id = pathId('con', request.params.id)
      const state = await deps.registrar.register(POOL_TENANT_ID, id, { ...request.body, rotate: false })
      return presentRegistration(id, state)
    },
  })

  app.delete<{ Params: { id: string } }>('/v1/admin/pool/:id/register-events', {
    config,
    schema: {
      tags,
      params: ConnectionPath,
      response: answers,
      operationId: 'unregisterPoolEvents',
      summary: 'Undo the registration of events of the shared pool',
      description: 'Removes the webhook at the provider. Needs an operator key.',
    },
    handler: async (request): Promise<EventsRegistration> => {
      const id = pathId('con', request.params.id)
      return presentRegistration(id, await deps.registrar.unregister(POOL_TENANT_ID, id))
    },
  })
}
