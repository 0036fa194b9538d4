import { toPublicId } from '@lettergate/contracts/lib/ids'
import { readRawInbound } from '@lettergate/core/inbound'
import { sendBytes } from '../../http/answer-budget.ts'
import { tenantRoute } from '../../http/route.ts'
import { fileAnswer } from '../../http/schemas.ts'

/** Answers a received mail as it came. */
export const readRawInboundRoute = tenantRoute('GET', '/v1/inbound/messages/:id/raw', {
  scope: 'inbound:read',
  takesLong: true,
  operationId: 'readRawInboundMessage',
  summary: 'Read a received mail as it came',
  description: 'Byte for byte, with every line ended by CRLF.',
  id: 'inb',
  answers: { 200: fileAnswer('message/rfc822', 'The mail.', 'The whole mail (RFC 5322).') },
  problems: [429],
  handler: ({ deps, reply, tenant, tenantId, id }) =>
    sendBytes(
      { deps, reply, tenantId },
      { type: 'message/rfc822', name: `${toPublicId('inb', id)}.eml` },
      (reserve) => readRawInbound(deps, tenant, id, reserve),
    ),
})
