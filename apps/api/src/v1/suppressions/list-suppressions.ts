import { ListSuppressionsQuery, SuppressionList } from '@lettergate/contracts/suppressions/suppressions'
import { listSuppressions } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSuppression } from './present-suppression.ts'

/** Lists the addresses that mail is not sent to. */
export const listSuppressionsRoute = tenantRoute('GET', '/v1/suppressions', {
  scope: 'suppressions:read',
  operationId: 'listSuppressions',
  summary: 'List suppressions',
  description:
    'Newest first. An entry is listed if it passes all filters. Test keys and live keys have a list each.',
  query: ListSuppressionsQuery,
  answers: { 200: answer('A page of the list.', SuppressionList) },
  problems: [400],
  handler: async ({ deps, tenant, query }) => {
    const { rows, nextCursor } = await listSuppressions(deps, tenant, query)
    return { data: rows.map(presentSuppression), next_cursor: nextCursor }
  },
})
