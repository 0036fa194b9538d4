import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { MessageStatusRequest } from '@lettergate/contracts/messages/requests'
import { MessageStatusAnswer, type MessageStatusResult } from '@lettergate/contracts/messages/responses'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { StoredMessage } from '@lettergate/core/messages'
import { problemDetails } from '../../http/problem-details.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Of one answer: what is beyond is asked for again, so that no answer grows with how many recipients its messages have. */
const RECIPIENTS_MAX = 5_000
/** Messages read at the same time; between two groups of them it is the turn of other requests. */
const READ_AT_ONCE = 100

function presentFull(id: string): MessageStatusResult {
  const detail = `This answer already has ${RECIPIENTS_MAX} recipients. Ask for this id in another request.`
  return { id, problem: problemDetails(new Problem('payload-too-large', { detail })) }
}

/** The statuses of these messages, until the answer is full. */
async function readStatuses(
  ids: readonly string[],
  read: (id: string) => Promise<StoredMessage | null>,
): Promise<MessageStatusResult[]> {
  const results: MessageStatusResult[] = []
  let recipients = 0
  while (results.length < ids.length) {
    const group = ids.slice(results.length, results.length + READ_AT_ONCE)
    const messages = recipients > RECIPIENTS_MAX ? [] : await Promise.all(group.map(read))
    for (const [at, id] of group.entries()) {
      const message = messages[at] ?? null
      recipients += message?.recipients.length ?? 0
      results.push(recipients > RECIPIENTS_MAX ? presentFull(id) : presentStatus(id, message))
    }
  }
  return results
}

function presentStatus(id: string, message: StoredMessage | null): MessageStatusResult {
  if (!message) return { id, problem: problemDetails(new Problem('not-found')) }
  const { status, recipients, poll_after_seconds } = presentMessage(message)
  return {
    id,
    status,
    recipients: recipients.map(({ name: _name, ...recipient }) => recipient),
    poll_after_seconds,
  }
}

/** Tells the statuses of many messages in one answer. */
export const readStatusesRoute = tenantRoute('POST', '/v1/messages/status', {
  scope: 'messages:read',
  operationId: 'readMessageStatuses',
  summary: 'Read many statuses',
  description:
    'One result per id, in the same order. The result is a problem if the id is not yours, or if the answer already has ' +
    `${RECIPIENTS_MAX} recipients: then ask for this id again.`,
  body: MessageStatusRequest,
  answers: { 200: answer('The statuses, in the order of the ids.', MessageStatusAnswer) },
  handler: async ({ deps, tenant, body }) => {
    const read = async (text: string) => {
      const id = fromPublicId('msg', text)
      return id === null ? null : await deps.messages.read(tenant, id)
    }
    return { results: await readStatuses(body.ids, read) }
  },
})
