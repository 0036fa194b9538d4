import { InboundList, ListMailboxQuery } from '@lettergate/contracts/inbound/messages'
import { listInbound, readMailbox } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentListed } from './present-inbound.ts'

/** Lists the mail of a mailbox. */
export const listMailboxRoute = tenantRoute('GET', '/v1/inbound/mailboxes/:id/messages', {
  scope: 'inbound:read',
  operationId: 'listMailboxMessages',
  summary: 'List the mail of a mailbox',
  description: 'Newest first, a page at a time.',
  id: 'mbx',
  query: ListMailboxQuery,
  answers: { 200: answer('A page of mails.', InboundList) },
  problems: [400],
  handler: async ({ deps, tenant, id, query }) => {
    const { id: mailboxId } = await readMailbox(deps, tenant, id)
    const { mails, nextCursor } = await listInbound(deps, tenant, { mailboxId, ...query })
    return { data: mails.map(presentListed), next_cursor: nextCursor }
  },
})
