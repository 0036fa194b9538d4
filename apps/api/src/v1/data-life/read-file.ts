import { readExportFile } from '@lettergate/core/data-life'
import { tenantRoute } from '../../http/route.ts'
import { exportFileAnswer, sendExportFile } from './export-file.ts'

/** Answers the file of an export. */
export const readFileRoute = tenantRoute('GET', '/v1/export/:id/file', {
  scope: 'settings:read',
  liveOnly: true,
  takesLong: true,
  operationId: 'readExportFile',
  summary: 'Read the file of an export',
  description: 'The same bytes each time. 409 until the job is done.',
  id: 'job',
  answers: { 200: exportFileAnswer },
  problems: [409],
  handler: async ({ deps, reply, tenantId, id }) => {
    const db = deps.tenants.forTenant(tenantId)
    const pieces = await readExportFile(db, id)
    return sendExportFile(reply, id, pieces)
  },
})
