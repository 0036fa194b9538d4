import { PlanList } from '@lettergate/contracts/admin/plans'
import { listPlans, presentPlan } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Lists plans. */
export function addListPlansRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/admin/plans', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminListPlans',
      summary: 'List plans',
      description: 'All plans, with the number of their tenants.',
      tags: ['Operator'],
      response: { 200: answer('The plans.', PlanList), ...problemAnswers(401, 403, 503) },
    },
    handler: async (): Promise<PlanList> => {
      return { data: (await asOperator(deps, listPlans)).map(presentPlan) }
    },
  })
}
