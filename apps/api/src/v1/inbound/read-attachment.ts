import { readInboundFile } from '@lettergate/core/inbound'
import { z } from 'zod'
import { sendBytes } from '../../http/answer-budget.ts'
import { tenantRoute } from '../../http/route.ts'
import { fileAnswer } from '../../http/schemas.ts'

/** Answers a file of a received mail. */
export const readAttachmentRoute = tenantRoute('GET', '/v1/inbound/messages/:id/attachments/:number', {
  scope: 'inbound:read',
  takesLong: true,
  operationId: 'readInboundAttachment',
  summary: 'Read a file of a received mail',
  description: 'Its content, decoded. Its name and type are in the mail; a stranger wrote them.',
  id: 'inb',
  params: {
    number: z.coerce
      .number()
      .int()
      .min(0)
      .max(10_000)
      .meta({ description: 'Its number in the mail, from 0.' }),
  },
  answers: { 200: fileAnswer('application/octet-stream', 'The file.', 'The bytes of the file.') },
  problems: [422, 429],
  handler: ({ deps, reply, tenant, tenantId, id, params }) =>
    sendBytes({ deps, reply, tenantId }, { type: 'application/octet-stream' }, async (reserve) => {
      const { bytes } = await readInboundFile(deps, tenant, { id, number: params.number }, reserve)
      return bytes
    }),
})
