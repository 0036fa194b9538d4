import { InboundAddress } from '@lettergate/contracts/inbound/routes'
import { readTenantToken } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Answers the tenant's own address under the operator's domain. */
export function addGetInboundAddressRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/inbound/address', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'getInboundAddress',
      summary: 'Read your inbound address',
      description:
        'Your own address under the domain of this gateway: mail to it is received without a domain of yours. It is made at the first request, and stays.',
      tags: ['Inbound'],
      response: {
        200: answer('Your address.', InboundAddress),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (request): Promise<InboundAddress> => {
      const token = await readTenantToken(deps, tenantOf(request))
      const { inboundDomain } = deps
      return { address: `anything+${token}@${inboundDomain}`, domain: `${token}.${inboundDomain}` }
    },
  })
}
