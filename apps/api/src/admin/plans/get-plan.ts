import { Plan } from '@lettergate/contracts/admin/plans'
import { presentPlan, readPlan } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { PlanPath } from './plan-path.ts'

/** Reads a plan. */
export const getPlanRoute = operatorRoute('GET', '/v1/admin/plans/:name', {
  operationId: 'adminGetPlan',
  summary: 'Read a plan',
  description: 'One plan, with the number of its tenants.',
  params: PlanPath,
  answers: { 200: answer('The plan.', Plan) },
  handler: async ({ deps, params }) => presentPlan(await asOperator(deps, (db) => readPlan(db, params.name))),
})
