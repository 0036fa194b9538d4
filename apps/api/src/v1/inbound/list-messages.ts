import { InboundList, ListInboundQuery } from '@lettergate/contracts/inbound/messages'
import { listInbound } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentListed } from './present-inbound.ts'

/** Lists all received mail. */
export const listInboundRoute = tenantRoute('GET', '/v1/inbound/messages', {
  scope: 'inbound:read',
  operationId: 'listInboundMessages',
  summary: 'List received mail',
  description: 'All mail that was received for you, newest first, a page at a time: the log.',
  query: ListInboundQuery,
  answers: { 200: answer('A page of mails.', InboundList) },
  problems: [400],
  handler: async ({ deps, tenant, query }) => {
    const { mails, nextCursor } = await listInbound(deps, tenant, {
      mailboxId: null,
      ...query,
    })
    return { data: mails.map(presentListed), next_cursor: nextCursor }
  },
})
