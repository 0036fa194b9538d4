import { Overview } from '@lettergate/contracts/admin/figures'
import { fromStorage } from '@lettergate/core/lib'
import { countPool } from '@lettergate/core/pool'
import { readOverview } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Answers the whole gateway at a look. */
export function addOverviewRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/admin/overview', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminGetOverview',
      summary: 'Read the overview',
      description:
        'Tenants, what they used today, the backlog, connections that do not work, and tenants that the shared pool stopped.',
      tags: ['Operator'],
      response: { 200: answer('The overview.', Overview), ...problemAnswers(401, 403, 503) },
    },
    handler: (): Promise<Overview> =>
      fromStorage(
        (async () => ({ ...(await readOverview(deps.figures)), pool: await countPool(deps.db) }))(),
      ),
  })
}
