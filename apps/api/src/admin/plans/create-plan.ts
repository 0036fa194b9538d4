import { CreatePlanRequest, Plan } from '@lettergate/contracts/admin/plans'
import { createPlan, presentPlan } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Creates a plan. */
export const createPlanRoute = operatorRoute('POST', '/v1/admin/plans', {
  operationId: 'adminCreatePlan',
  summary: 'Create a plan',
  description: 'A plan says what its tenants may do, and how much of it.',
  body: CreatePlanRequest,
  answers: { 201: answer('The plan.', Plan) },
  problems: [409],
  handler: async ({ deps, body }) => {
    const plan = await asOperator(deps, (db, dbNull) => createPlan(db, dbNull, body))
    return presentPlan(plan)
  },
})
