import { Message } from '@lettergate/contracts/messages/responses'
import { releaseMessage } from '@lettergate/core/messages'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Releases a message. */
export const releaseMessageRoute = tenantRoute('POST', '/v1/messages/:id/release', {
  scope: 'messages:write',
  operationId: 'releaseMessage',
  summary: 'Release a message',
  description: 'Lets a message go on that you hold: now, or at its `send_at` if that is still to come.',
  id: 'msg',
  answers: { 200: answer('The message, released.', Message) },
  problems: [409],
  handler: async ({ deps, tenant, id }) => presentMessage(await releaseMessage(deps, tenant, id)),
})
