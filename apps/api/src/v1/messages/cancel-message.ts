import { Message } from '@lettergate/contracts/messages/responses'
import { cancelMessage } from '@lettergate/core/messages'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Cancels a message that was not sent yet. */
export const cancelMessageRoute = tenantRoute('POST', '/v1/messages/:id/cancel', {
  scope: 'messages:write',
  operationId: 'cancelMessage',
  summary: 'Cancel a message',
  description:
    'Stops a message that was not sent yet. Its recipients no longer count on your quota. A recipient that an earlier attempt may have reached becomes `unknown` and still counts.',
  id: 'msg',
  answers: { 200: answer('The message, cancelled.', Message) },
  problems: [409],
  handler: async ({ deps, tenant, id }) => presentMessage(await cancelMessage(deps, tenant, id)),
})
