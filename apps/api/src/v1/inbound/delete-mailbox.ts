import { deleteMailbox } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

/** Removes a mailbox. */
export const deleteMailboxRoute = tenantRoute('DELETE', '/v1/inbound/mailboxes/:id', {
  scope: 'inbound:write',
  operationId: 'deleteMailbox',
  summary: 'Delete a mailbox',
  description: '409 while an inbound route stores in it. Its mail stays in the list of all received mail.',
  id: 'mbx',
  answers: { 204: nothing('The mailbox is deleted.') },
  problems: [409],
  handler: async ({ deps, tenant, id }) => {
    await deleteMailbox(deps, tenant, id)
  },
})
