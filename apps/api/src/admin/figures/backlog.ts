import { Backlog } from '@lettergate/contracts/admin/figures'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { fromStorage } from '@lettergate/core/lib'
import { readBacklog } from '@lettergate/core/tenants'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

const TENANTS_MAX = 100

/** Says which tenants have messages left to send. */
export const backlogRoute = operatorRoute('GET', '/v1/admin/backlog', {
  operationId: 'adminGetBacklog',
  summary: 'Read the backlog',
  description: 'Messages that are left to send, by tenant, the largest backlog first.',
  answers: { 200: answer('The backlog.', Backlog) },
  handler: async ({ deps }) => {
    const { rows, isComplete } = await fromStorage(readBacklog(deps.figures, TENANTS_MAX))
    const data = rows.map(({ tenant_id, ...row }) => ({ tenant: toPublicId('ten', tenant_id), ...row }))
    return { data, is_complete: isComplete }
  },
})
