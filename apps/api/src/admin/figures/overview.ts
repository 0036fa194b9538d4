import { Overview } from '@lettergate/contracts/admin/figures'
import { fromStorage } from '@lettergate/core/lib'
import { countPool } from '@lettergate/core/pool'
import { readOverview } from '@lettergate/core/tenants'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Answers the whole gateway at a look. */
export const overviewRoute = operatorRoute('GET', '/v1/admin/overview', {
  operationId: 'adminGetOverview',
  summary: 'Read the overview',
  description:
    'Tenants, what they used today, the backlog, connections that do not work, and tenants that the shared pool stopped.',
  answers: { 200: answer('The overview.', Overview) },
  handler: ({ deps }) =>
    fromStorage((async () => ({ ...(await readOverview(deps.figures)), pool: await countPool(deps.db) }))()),
})
