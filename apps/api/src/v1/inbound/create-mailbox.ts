import { CreateMailboxRequest, Mailbox } from '@lettergate/contracts/inbound/messages'
import { createMailbox } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMailbox } from './present-mailbox.ts'

/** Makes a mailbox. */
export const createMailboxRoute = tenantRoute('POST', '/v1/inbound/mailboxes', {
  scope: 'inbound:write',
  operationId: 'createMailbox',
  summary: 'Create a mailbox',
  description:
    'A place for received mail. An inbound route stores mail in it. A tenant has 100 mailboxes at most.',
  body: CreateMailboxRequest,
  answers: { 201: answer('The new mailbox.', Mailbox) },
  problems: [409],
  handler: async ({ deps, reply, tenant, body }) => {
    const shown = presentMailbox(await createMailbox(deps, tenant, body))
    reply.header('location', `/v1/inbound/mailboxes/${shown.id}`)
    return shown
  },
})
