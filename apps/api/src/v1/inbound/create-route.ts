import { CreateInboundRouteRequest, InboundRoute } from '@lettergate/contracts/inbound/routes'
import { createInboundRoute } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentInboundRoute } from './present-route.ts'

/** Makes an inbound route. */
export function addCreateInboundRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateInboundRouteRequest }>('/v1/inbound/routes', {
    config: { scope: 'inbound:write', takesLong: true },
    schema: {
      operationId: 'createInboundRoute',
      summary: 'Create an inbound route',
      description:
        'Says what becomes of mail to an address: it is posted to a URL, kept in a mailbox, forwarded, or dropped. Calls to a URL are signed with the secret of `GET /v1/endpoints/default-secret`. A tenant has 200 inbound routes at most.',
      tags: ['Inbound'],
      body: CreateInboundRouteRequest,
      response: {
        201: answer('The new route.', InboundRoute),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<InboundRoute> => {
      const shown = presentInboundRoute(await createInboundRoute(deps, tenantOf(request), request.body))
      reply.code(201).header('location', `/v1/inbound/routes/${shown.id}`)
      return shown
    },
  })
}
