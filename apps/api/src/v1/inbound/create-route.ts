import { CreateInboundRouteRequest, InboundRoute } from '@lettergate/contracts/inbound/routes'
import { createInboundRoute } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentInboundRoute } from './present-route.ts'

/** Makes an inbound route. */
export const createInboundRouteRoute = tenantRoute('POST', '/v1/inbound/routes', {
  scope: 'inbound:write',
  takesLong: true,
  operationId: 'createInboundRoute',
  summary: 'Create an inbound route',
  description:
    'Says what becomes of mail to an address: it is posted to a URL, kept in a mailbox, forwarded, or dropped. Calls to a URL are signed with the secret of `GET /v1/endpoints/default-secret`. A tenant has 200 inbound routes at most.',
  body: CreateInboundRouteRequest,
  answers: { 201: answer('The new route.', InboundRoute) },
  problems: [409],
  handler: async ({ deps, reply, tenant, body }) => {
    const shown = presentInboundRoute(await createInboundRoute(deps, tenant, body))
    reply.header('location', `/v1/inbound/routes/${shown.id}`)
    return shown
  },
})
