import { InboundMessage } from '@lettergate/contracts/inbound/messages'
import { readInbound, replayInbound } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentInbound } from './present-inbound.ts'

/** Has a received mail acted on again. */
export const replayInboundRoute = tenantRoute('POST', '/v1/inbound/messages/:id/replay', {
  scope: 'inbound:write',
  operationId: 'replayInboundMessage',
  summary: 'Act on a received mail again',
  description:
    'The mail is read again, and its route, as it is now, decides what becomes of it. 409 while it waits.',
  id: 'inb',
  answers: { 202: answer('The mail, which waits again.', InboundMessage) },
  problems: [409],
  handler: async ({ deps, tenant, id }) => {
    await replayInbound(deps, tenant, id)
    return presentInbound(await readInbound(deps, tenant, id))
  },
})
