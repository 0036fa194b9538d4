import { AdminAuditFilter } from '@lettergate/contracts/audit/audit'
import { auditLinesAnswer, operatorAudit, sendAuditLines } from '../../http/audit-readers.ts'
import { operatorRoute } from '../../http/route.ts'

/** Answers the changes of all tenants, as lines of JSON. */
export const exportAdminAuditRoute = operatorRoute('GET', '/v1/admin/audit/export', {
  takesLong: true,
  operationId: 'adminExportAudit',
  summary: 'Export changes of all tenants',
  description: 'All changes that pass the filters, as lines of JSON.',
  query: AdminAuditFilter,
  answers: { 200: auditLinesAnswer },
  handler: async ({ deps, reply, query }) => {
    const { tenant, ...filter } = query
    return sendAuditLines(reply, operatorAudit(deps, tenant), filter)
  },
})
