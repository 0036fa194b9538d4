import { Plan } from '@lettergate/contracts/admin/plans'
import { presentPlan, readPlan } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { PlanPath } from '../paths.ts'

/** Reads a plan. */
export function addGetPlanRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { name: string } }>('/v1/admin/plans/:name', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminGetPlan',
      summary: 'Read a plan',
      description: 'One plan, with the number of its tenants.',
      tags: ['Operator'],
      params: PlanPath,
      response: { 200: answer('The plan.', Plan), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<Plan> =>
      presentPlan(await asOperator(deps, (db) => readPlan(db, request.params.name))),
  })
}
