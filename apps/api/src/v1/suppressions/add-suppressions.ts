import {
  AddSuppressionsRequest,
  SUPPRESSIONS_MAX,
  SuppressionsAdded,
} from '@lettergate/contracts/suppressions/suppressions'
import { addToList } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentSuppression } from './present-suppression.ts'

/** Puts addresses on the list. */
export const addSuppressionsRoute = tenantRoute('POST', '/v1/suppressions', {
  scope: 'suppressions:write',
  operationId: 'addSuppressions',
  summary: 'Add suppressions',
  description:
    `Puts up to ${SUPPRESSIONS_MAX} addresses on the list. From now on they get no mail of the stream: new messages, and those that ` +
    'wait. An entry that is on the list stays as it is, unless the new one lasts longer. An entry whose time is over is not added. ' +
    'A repeat changes nothing.',
  body: AddSuppressionsRequest,
  answers: { 200: answer('The addresses are on the list.', SuppressionsAdded) },
  handler: async ({ deps, tenant, body }) => {
    const { added, rows } = await addToList(deps, tenant, body.suppressions)
    return { added, data: rows.map(presentSuppression) }
  },
})
