import { deleteInbound } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

/** Removes a received mail. */
export const deleteInboundRoute = tenantRoute('DELETE', '/v1/inbound/messages/:id', {
  scope: 'inbound:write',
  operationId: 'deleteInboundMessage',
  summary: 'Delete a received mail',
  description: 'Deletes it and all that was read of it.',
  id: 'inb',
  answers: { 204: nothing('The mail is deleted.') },
  handler: async ({ deps, tenant, id }) => {
    await deleteInbound(deps, tenant, id)
  },
})
