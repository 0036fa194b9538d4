import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Explanation } from '@lettergate/contracts/messages/explain'
import { toConnectionName } from '@lettergate/core/lib'
import { explainMessage, type Reason } from '@lettergate/core/messages'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

function presentReason({ code, detail, recipients, connectionId, until, ahead, failure }: Reason) {
  return {
    code,
    detail,
    recipients,
    ahead,
    connection: connectionId === null ? null : toConnectionName(connectionId),
    until: until?.toISOString() ?? null,
    help: failure === null ? null : `/problems/${failure}`,
  }
}

/** Tells why a message is where it is. */
export const explainMessageRoute = tenantRoute('GET', '/v1/messages/:id/explain', {
  scope: 'messages:read',
  operationId: 'explainMessage',
  summary: 'Explain the status of a message',
  description:
    'Why the message has its status: what it waits for, or how it ended. The most important reason comes first.',
  id: 'msg',
  answers: { 200: answer('The reasons.', Explanation) },
  handler: async ({ deps, tenant, id }) => {
    const { message, reasons } = await explainMessage(deps, tenant, id)
    return {
      id: toPublicId('msg', message.id),
      status: message.status,
      reasons: reasons.map(presentReason),
    }
  },
})
