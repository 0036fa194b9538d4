import { PlanList } from '@lettergate/contracts/admin/plans'
import { listPlans, presentPlan } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Lists plans. */
export const listPlansRoute = operatorRoute('GET', '/v1/admin/plans', {
  operationId: 'adminListPlans',
  summary: 'List plans',
  description: 'All plans, with the number of their tenants.',
  answers: { 200: answer('The plans.', PlanList) },
  handler: async ({ deps }) => ({ data: (await asOperator(deps, listPlans)).map(presentPlan) }),
})
