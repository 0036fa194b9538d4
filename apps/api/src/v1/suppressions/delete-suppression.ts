import {
  DeleteSuppressionQuery,
  ListedAddress,
  SuppressionsDeleted,
} from '@lettergate/contracts/suppressions/suppressions'
import { deleteFromList } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Takes an address off the list. */
export const deleteSuppressionRoute = tenantRoute('DELETE', '/v1/suppressions/:address', {
  scope: 'suppressions:write',
  operationId: 'deleteSuppression',
  summary: 'Delete a suppression',
  description:
    'Takes the address off the list. New messages go to it again; recipients that are `suppressed` already stay so. ' +
    'Mail to an address that does not exist, or to people who complained, harms your reputation at mail providers.',
  params: { address: ListedAddress },
  query: DeleteSuppressionQuery,
  answers: { 200: answer('The entries are deleted.', SuppressionsDeleted) },
  handler: async ({ deps, tenant, params, query }) => {
    const { address } = params
    const { stream } = query
    return { address, deleted: await deleteFromList(deps, tenant, { address, stream }) }
  },
})
