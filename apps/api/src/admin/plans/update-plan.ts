import { setTimeout as sleep } from 'node:timers/promises'
import { Plan, UpdatePlanRequest } from '@lettergate/contracts/admin/plans'
import { applyPlanToTenants } from '@lettergate/core/plans'
import { presentPlan, updatePlan } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { PlanPath } from '../paths.ts'

/** With thousands of tenants, the last of them are brought up to the plan after the answer. */
const WAIT_MS = 2_000

/** Changes a plan. */
export function addUpdatePlanRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { name: string }; Body: UpdatePlanRequest }>('/v1/admin/plans/:name', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminUpdatePlan',
      summary: 'Change a plan',
      description: 'Changes a plan for all of its tenants, except where a tenant has a limit of its own.',
      tags: ['Operator'],
      params: PlanPath,
      body: UpdatePlanRequest,
      response: {
        200: answer('The plan, changed.', Plan),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Plan> => {
      const { name } = request.params
      const plan = await asOperator(deps, (db, dbNull) => updatePlan(db, dbNull, name, request.body))
      const applied = applyPlanToTenants(deps.figures, name).catch(deps.onError)
      await Promise.race([applied, sleep(WAIT_MS)])
      return presentPlan(plan)
    },
  })
}
