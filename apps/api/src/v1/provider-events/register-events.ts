import { RegisterEventsRequest } from '@lettergate/contracts/provider-events/requests'
import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentRegistration } from './present-registration.ts'

type Route = { Params: { id: string }; Body: RegisterEventsRequest }

const config = { scope: 'connections:write', liveOnly: true, takesLong: true } as const
const schema = {
  tags: ['Provider events'],
  params: ConnectionPath,
  body: RegisterEventsRequest,
  response: {
    200: answer('The state of the registration.', EventsRegistration),
    ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
  },
}

/** Registers a connection at its provider, or registers it anew under another URL. */
export function addRegisterEventsRoutes(app: FastifyInstance, deps: ApiDeps): void {
  async function register(request: FastifyRequest<Route>, rotate: boolean): Promise<EventsRegistration> {
    const id = pathId('con', request.params.id)
    const state = await deps.registrar.register(tenantOf(request).tenantId, id, { ...request.body, rotate })
    return presentRegistration(id, state)
  }

  app.post<Route>('/v1/connections/:id/register-events', {
    config,
    schema: {
      ...schema,
      operationId: 'registerEvents',
      summary: 'Register the events of a connection',
      description:
        'Makes the provider send its events (delivered, bounced, opened and others) to a URL of this gateway, through the API of the ' +
        'provider. A repeat makes no second webhook, and corrects one that was changed. If the provider refuses, the answer is 200 with ' +
        '`registered: false`, the problem, and steps for a person. It takes 25 seconds at most; 20 calls a minute. Needs a live key.',
    },
    handler: (request) => register(request, false),
  })

  app.post<Route>('/v1/connections/:id/register-events/rotate', {
    config,
    schema: {
      ...schema,
      operationId: 'rotateEvents',
      summary: 'Replace the URL of the events of a connection',
      description:
        'Registers a fresh URL with a fresh secret at the provider. The URL and the secret of before stay good for 24 hours, so no event ' +
        'is lost; then the earlier webhook is removed at the provider. If the provider refuses, the URL of before stays in use. Needs a live key.',
    },
    handler: (request) => register(request, true),
  })
}
