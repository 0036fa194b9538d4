import { InboundAddress } from '@lettergate/contracts/inbound/routes'
import { readTenantToken } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Answers the tenant's own address under the operator's domain. */
export const getInboundAddressRoute = tenantRoute('GET', '/v1/inbound/address', {
  scope: 'inbound:read',
  operationId: 'getInboundAddress',
  summary: 'Read your inbound address',
  description:
    'Your own address under the domain of this gateway: mail to it is received without a domain of yours. It is made at the first request, and stays.',
  answers: { 200: answer('Your address.', InboundAddress) },
  handler: async ({ deps, tenant }) => {
    const token = await readTenantToken(deps, tenant)
    const { inboundDomain } = deps
    return { address: `anything+${token}@${inboundDomain}`, domain: `${token}.${inboundDomain}` }
  },
})
