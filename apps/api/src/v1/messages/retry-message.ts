import { Message } from '@lettergate/contracts/messages/responses'
import { retryMessage } from '@lettergate/core/messages'
import { quotaExceeded } from '@lettergate/core/usage'
import { addRateLimitFields } from '../../http/rate-limit-fields.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Tries the recipients again that failed, are unknown or wait. */
export const retryMessageRoute = tenantRoute('POST', '/v1/messages/:id/retry', {
  scope: 'messages:write',
  operationId: 'retryMessage',
  summary: 'Retry a message',
  description:
    'Queues all recipients that are `failed`, `unknown`, `deferred` or `held` again, to be sent now. A recipient that is ' +
    '`unknown` may get the message twice: if you know what became of it, use `POST /v1/messages/{id}/resolve` instead. A recipient that had failed counts on the quota again.',
  id: 'msg',
  answers: { 200: answer('The message, queued again.', Message) },
  problems: [409, 410, 429],
  handler: async ({ deps, reply, tenant, id }) => {
    const outcome = await retryMessage(deps, tenant, id)
    if (outcome.kind === 'quota-exceeded') {
      addRateLimitFields(reply, outcome.quota)
      throw quotaExceeded(outcome.quota, outcome)
    }
    return presentMessage(outcome.message)
  },
})
