import { toPublicId } from '@lettergate/contracts/lib/ids'
import { readRaw } from '@lettergate/core/messages'
import { sendBytes } from '../../http/answer-budget.ts'
import { tenantRoute } from '../../http/route.ts'
import { fileAnswer } from '../../http/schemas.ts'

/** Answers the mail itself, as it is sent. */
export const readRawRoute = tenantRoute('GET', '/v1/messages/:id/raw', {
  scope: 'messages:read',
  takesLong: true,
  operationId: 'readRawMessage',
  summary: 'Read the mail itself',
  description:
    'The message as it is sent to the provider, which may add or replace header fields. A tenant can read two large messages at ' +
    'a time. The gateway ends an answer if the client reads nothing for 15 seconds.',
  id: 'msg',
  answers: { 200: fileAnswer('message/rfc822', 'The mail.', 'The whole message (RFC 5322).') },
  problems: [410, 429],
  handler: ({ deps, reply, tenant, tenantId, id }) =>
    sendBytes(
      { deps, reply, tenantId },
      { type: 'message/rfc822', name: `${toPublicId('msg', id)}.eml` },
      (reserve) => readRaw(deps, tenant, id, reserve),
    ),
})
