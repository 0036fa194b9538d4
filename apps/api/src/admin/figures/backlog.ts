import { Backlog } from '@lettergate/contracts/admin/figures'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { fromStorage } from '@lettergate/core/lib'
import { readBacklog } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

const TENANTS_MAX = 100

/** Says which tenants have messages left to send. */
export function addBacklogRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/admin/backlog', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminGetBacklog',
      summary: 'Read the backlog',
      description: 'Messages that are left to send, by tenant, the largest backlog first.',
      tags: ['Operator'],
      response: { 200: answer('The backlog.', Backlog), ...problemAnswers(401, 403, 503) },
    },
    handler: async (): Promise<Backlog> => {
      const { rows, isComplete } = await fromStorage(readBacklog(deps.figures, TENANTS_MAX))
      const data = rows.map(({ tenant_id, ...row }) => ({ tenant: toPublicId('ten', tenant_id), ...row }))
      return { data, is_complete: isComplete }
    },
  })
}
