import { AddressTest, TestAddressRequest } from '@lettergate/contracts/inbound/routes'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { fromStorage } from '@lettergate/core/lib'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** One answer, so that nobody learns of the routes of others. */
const REFUSED =
  'None of your enabled routes matches the address, or its domain is not one that you have proved to be yours.'

/** Says which inbound route an address leads to. */
export const testAddressRoute = tenantRoute('POST', '/v1/inbound/routes/test', {
  scope: 'inbound:read',
  operationId: 'testInboundAddress',
  summary: 'Test an address',
  description:
    'Says whether mail to an address is taken for you now, and which route decides. Nothing is sent.',
  body: TestAddressRequest,
  answers: { 200: answer('The route that decides, or none.', AddressTest) },
  handler: async ({ deps, tenant, body }) => {
    const { tenantId, mode } = tenant
    deps.recipients.forget()
    const found = await fromStorage(deps.recipients.find(body.address))
    if ('refusal' in found || found.tenantId !== tenantId || found.mode !== mode)
      return { accepted: false, route: null, reason: REFUSED }
    return { accepted: true, route: found.routeId && toPublicId('inr', found.routeId), reason: null }
  },
})
