import { deletePlan } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'
import { PlanPath } from './plan-path.ts'

/** Deletes a plan that no tenant has. */
export const deletePlanRoute = operatorRoute('DELETE', '/v1/admin/plans/:name', {
  operationId: 'adminDeletePlan',
  summary: 'Delete a plan',
  description: 'A plan that a tenant has cannot be deleted.',
  params: PlanPath,
  answers: { 204: nothing('The plan is deleted.') },
  problems: [409],
  handler: async ({ deps, params }) => {
    await asOperator(deps, (db) => deletePlan(db, params.name))
  },
})
