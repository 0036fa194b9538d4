import { InboundMessage, MarkInboundRequest } from '@lettergate/contracts/inbound/messages'
import { markInboundRead, readInbound } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentInbound } from './present-inbound.ts'

/** Marks a received mail as read or unread. */
export const markInboundRoute = tenantRoute('PATCH', '/v1/inbound/messages/:id', {
  scope: 'inbound:write',
  operationId: 'markInboundMessage',
  summary: 'Mark a received mail',
  description: 'Marks it as read or unread.',
  id: 'inb',
  body: MarkInboundRequest,
  answers: { 200: answer('The mail.', InboundMessage) },
  handler: async ({ deps, tenant, id, body }) => {
    await markInboundRead(deps, tenant, id, body.read)
    return presentInbound(await readInbound(deps, tenant, id))
  },
})
