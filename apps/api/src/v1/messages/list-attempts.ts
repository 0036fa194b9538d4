import { AttemptList } from '@lettergate/contracts/messages/responses'
import { listAttempts } from '@lettergate/core/messages'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentAttempt } from './present-attempt.ts'

/** Tells each try at a provider, with what the provider answered. */
export const listAttemptsRoute = tenantRoute('GET', '/v1/messages/:id/attempts', {
  scope: 'messages:read',
  operationId: 'listMessageAttempts',
  summary: 'List the attempts of a message',
  description: 'Each attempt to send the message, with the answer of the provider.',
  id: 'msg',
  answers: { 200: answer('The attempts so far.', AttemptList) },
  handler: async ({ deps, tenant, id }) => {
    const attempts = await listAttempts(deps, tenant, id)
    return { data: attempts.map(presentAttempt) }
  },
})
