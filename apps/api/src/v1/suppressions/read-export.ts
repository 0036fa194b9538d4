import { readExport } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { fileAnswer } from '../../http/schemas.ts'
import { sendPieces } from '../../http/send-pieces.ts'

/** Answers the file of an export, read from the database as fast as the client takes it. */
export const readExportRoute = tenantRoute('GET', '/v1/suppressions/jobs/:id/csv', {
  scope: 'suppressions:read',
  takesLong: true,
  operationId: 'readSuppressionExport',
  summary: 'Read the file of an export',
  description: 'The entries by address, with a line that names the columns. 409 until the job is done.',
  id: 'job',
  answers: {
    200: fileAnswer(
      'text/csv',
      'The file.',
      'address, stream, reason, note, created_at, expires_at, message_id.',
    ),
  },
  problems: [409],
  handler: async ({ deps, reply, tenant, id }) =>
    sendPieces(
      reply,
      { type: 'text/csv; charset=utf-8', name: 'suppressions.csv' },
      await readExport(deps, tenant, id),
    ),
})
