import { readExportFile } from '@lettergate/core/data-life'
import { operatorRoute } from '../../http/route.ts'
import { exportFileAnswer, sendExportFile } from '../../v1/data-life/export-file.ts'

/** Answers the file of an export of any tenant. */
export const readDataFileRoute = operatorRoute('GET', '/v1/admin/data-jobs/:id/file', {
  takesLong: true,
  operationId: 'readDataFile',
  summary: 'Read the file of an export of a tenant',
  description: 'The same bytes each time. 409 until the job is done.',
  id: 'job',
  answers: { 200: exportFileAnswer },
  problems: [409],
  handler: async ({ deps, reply, id }) => sendExportFile(reply, id, await readExportFile(deps.db, id)),
})
