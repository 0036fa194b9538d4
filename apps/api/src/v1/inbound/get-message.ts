import { InboundMessage } from '@lettergate/contracts/inbound/messages'
import { readInbound } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentInbound } from './present-inbound.ts'

/** Shows a received mail and what became of it. */
export const getInboundRoute = tenantRoute('GET', '/v1/inbound/messages/:id', {
  scope: 'inbound:read',
  operationId: 'getInboundMessage',
  summary: 'Read a received mail',
  description:
    'The content, the sender and the state of the mail, with each call to a URL with its answer. Everything in it was written by a stranger.',
  id: 'inb',
  answers: { 200: answer('The mail.', InboundMessage) },
  handler: async ({ deps, tenant, id }) => presentInbound(await readInbound(deps, tenant, id)),
})
