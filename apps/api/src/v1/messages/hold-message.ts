import { Message } from '@lettergate/contracts/messages/responses'
import { holdMessage } from '@lettergate/core/messages'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Holds a message. */
export const holdMessageRoute = tenantRoute('POST', '/v1/messages/:id/hold', {
  scope: 'messages:write',
  operationId: 'holdMessage',
  summary: 'Hold a message',
  description:
    'Keeps a message that was not sent until you release, retry or cancel it. Its recipients become `held` and stay counted on your quota. The time for which it is held does not count towards the retry limit.',
  id: 'msg',
  answers: { 200: answer('The message, held.', Message) },
  problems: [409],
  handler: async ({ deps, tenant, id }) => presentMessage(await holdMessage(deps, tenant, id)),
})
