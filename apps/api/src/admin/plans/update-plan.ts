import { setTimeout as sleep } from 'node:timers/promises'
import { Plan, UpdatePlanRequest } from '@lettergate/contracts/admin/plans'
import { applyPlanToTenants } from '@lettergate/core/plans'
import { presentPlan, updatePlan } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { PlanPath } from './plan-path.ts'

/** With thousands of tenants, the last of them are brought up to the plan after the answer. */
const WAIT_MS = 2_000

/** Changes a plan. */
export const updatePlanRoute = operatorRoute('PATCH', '/v1/admin/plans/:name', {
  operationId: 'adminUpdatePlan',
  summary: 'Change a plan',
  description: 'Changes a plan for all of its tenants, except where a tenant has a limit of its own.',
  params: PlanPath,
  body: UpdatePlanRequest,
  answers: { 200: answer('The plan, changed.', Plan) },
  handler: async ({ deps, params, body }) => {
    const { name } = params
    const plan = await asOperator(deps, (db, dbNull) => updatePlan(db, dbNull, name, body))
    const applied = applyPlanToTenants(deps.figures, name).catch(deps.onError)
    await Promise.race([applied, sleep(WAIT_MS)])
    return presentPlan(plan)
  },
})
