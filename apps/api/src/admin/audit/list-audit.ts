import { AuditList, ListAdminAuditQuery } from '@lettergate/contracts/audit/audit'
import { listAudit, presentAudit } from '@lettergate/core/audit'
import { operatorAudit } from '../../http/audit-readers.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Lists the changes of all tenants and of the operator. */
export const listAdminAuditRoute = operatorRoute('GET', '/v1/admin/audit', {
  operationId: 'adminListAudit',
  summary: 'List changes of all tenants',
  description: 'Every change of the operator and of tenants, newest first. Changes are kept for 400 days.',
  query: ListAdminAuditQuery,
  answers: { 200: answer('A page of changes.', AuditList) },
  problems: [400],
  handler: async ({ deps, query: { tenant, ...query } }) => {
    const { rows, nextCursor } = await listAudit(operatorAudit(deps, tenant), deps.cursorKey, query)
    return { data: rows.map(presentAudit), next_cursor: nextCursor }
  },
})
