import { AuditFilter } from '@lettergate/contracts/audit/audit'
import { auditLinesAnswer, sendAuditLines, tenantAudit } from '../../http/audit-readers.ts'
import { tenantRoute } from '../../http/route.ts'

/** Answers all changes, as lines of JSON. */
export const exportAuditRoute = tenantRoute('GET', '/v1/audit/export', {
  scope: 'audit:read',
  takesLong: true,
  operationId: 'exportAudit',
  summary: 'Export changes',
  description: 'All changes that pass the filters, as lines of JSON.',
  query: AuditFilter,
  answers: { 200: auditLinesAnswer },
  handler: async ({ deps, reply, tenantId, query }) =>
    sendAuditLines(reply, tenantAudit(deps, tenantId), query),
})
