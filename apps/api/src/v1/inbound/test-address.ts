import { AddressTest, TestAddressRequest } from '@lettergate/contracts/inbound/routes'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { fromStorage } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** One answer, so that nobody learns of the routes of others. */
const REFUSED =
  'None of your enabled routes matches the address, or its domain is not one that you have proved to be yours.'

/** Says which inbound route an address leads to. */
export function addTestAddressRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: TestAddressRequest }>('/v1/inbound/routes/test', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'testInboundAddress',
      summary: 'Test an address',
      description:
        'Says whether mail to an address is taken for you now, and which route decides. Nothing is sent.',
      tags: ['Inbound'],
      body: TestAddressRequest,
      response: {
        200: answer('The route that decides, or none.', AddressTest),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<AddressTest> => {
      const { tenantId, mode } = tenantOf(request)
      deps.recipients.forget()
      const found = await fromStorage(deps.recipients.find(request.body.address))
      if ('refusal' in found || found.tenantId !== tenantId || found.mode !== mode)
        return { accepted: false, route: null, reason: REFUSED }
      return { accepted: true, route: found.routeId && toPublicId('inr', found.routeId), reason: null }
    },
  })
}
