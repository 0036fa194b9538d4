import { AuditList, ListAuditQuery } from '@lettergate/contracts/audit/audit'
import { listAudit, presentAudit } from '@lettergate/core/audit'
import { tenantAudit } from '../../http/audit-readers.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Lists the changes that somebody made. */
export const listAuditRoute = tenantRoute('GET', '/v1/audit', {
  scope: 'audit:read',
  operationId: 'listAudit',
  summary: 'List changes',
  description:
    'Every change of your tenant, its keys, connections, routes and endpoints: who, when, before and after. Newest first. Changes are kept for 400 days.',
  query: ListAuditQuery,
  answers: { 200: answer('A page of changes.', AuditList) },
  problems: [400],
  handler: async ({ deps, tenantId, query }) => {
    const reader = tenantAudit(deps, tenantId)
    const { rows, nextCursor } = await listAudit(reader, deps.cursorKey, query)
    return { data: rows.map(presentAudit), next_cursor: nextCursor }
  },
})
