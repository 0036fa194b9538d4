import { Mailbox } from '@lettergate/contracts/inbound/messages'
import { readMailbox } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMailbox } from './present-mailbox.ts'

/** Shows a mailbox. */
export const getMailboxRoute = tenantRoute('GET', '/v1/inbound/mailboxes/:id', {
  scope: 'inbound:read',
  operationId: 'getMailbox',
  summary: 'Read a mailbox',
  description: 'The mailbox; its mail is listed by another operation.',
  id: 'mbx',
  answers: { 200: answer('The mailbox.', Mailbox) },
  handler: async ({ deps, tenant, id }) => presentMailbox(await readMailbox(deps, tenant, id)),
})
