import { MailboxList } from '@lettergate/contracts/inbound/messages'
import { listMailboxes } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMailbox } from './present-mailbox.ts'

/** Lists the mailboxes. */
export const listMailboxesRoute = tenantRoute('GET', '/v1/inbound/mailboxes', {
  scope: 'inbound:read',
  operationId: 'listMailboxes',
  summary: 'List mailboxes',
  description: 'All mailboxes of the mode of the key, by name.',
  answers: { 200: answer('All mailboxes.', MailboxList) },
  handler: async ({ deps, tenant }) => ({ data: (await listMailboxes(deps, tenant)).map(presentMailbox) }),
})
