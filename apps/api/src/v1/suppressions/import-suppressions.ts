import { ImportSuppressionsQuery, SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { IMPORT_LINES_MAX, startImport } from '@lettergate/core/suppressions'
import { z } from 'zod'
import { CSV_BYTES_MAX, csvOf } from '../../http/csv-body.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

/** Takes a file of addresses. */
export const importSuppressionsRoute = tenantRoute('POST', '/v1/suppressions/import', {
  scope: 'suppressions:write',
  takesLong: true,
  operationId: 'importSuppressions',
  summary: 'Import suppressions',
  description:
    `Takes a file of up to ${CSV_BYTES_MAX / 1_000_000} MB and ${IMPORT_LINES_MAX} lines, and answers a job that reads it. ` +
    'A first line with a column `address`, `email`, `email address` or `recipient` names the columns; `stream`, `reason`, `note` and ' +
    '`expires_at` are read too, and others are left out. Without such a line, the first column is the address. Lines that cannot ' +
    'be read are counted and left out. A repeat of the same file changes nothing.',
  query: ImportSuppressionsQuery,
  consumes: ['text/csv'],
  bodyInReference: z.string().describe('Lines of CSV in UTF-8.'),
  answers: { 202: answer('The file is stored, and a job reads it.', SuppressionJob) },
  problems: [409],
  handler: async ({ deps, request, reply, tenant, query }) => {
    const job = presentJob(await startImport(deps, tenant, csvOf(request), query))
    reply.header('location', `/v1/suppressions/jobs/${job.id}`)
    return job
  },
})
