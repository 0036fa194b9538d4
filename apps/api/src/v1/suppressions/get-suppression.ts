import { AddressSuppressions, ListedAddress } from '@lettergate/contracts/suppressions/suppressions'
import { findOnList } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSuppression } from './present-suppression.ts'

/** Looks one address up. */
export const getSuppressionRoute = tenantRoute('GET', '/v1/suppressions/:address', {
  scope: 'suppressions:read',
  operationId: 'getSuppression',
  summary: 'Look an address up',
  description: 'The entries of one address. An address that is not on the list gets 404.',
  params: { address: ListedAddress },
  answers: { 200: answer('The address is on the list.', AddressSuppressions) },
  problems: [422],
  handler: async ({ deps, tenant, params }) => {
    const { address } = params
    const rows = await findOnList(deps, tenant, address)
    return { address, data: rows.map(presentSuppression) }
  },
})
