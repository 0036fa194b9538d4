import { CreatePlanRequest, Plan } from '@lettergate/contracts/admin/plans'
import { createPlan, presentPlan } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Creates a plan. */
export function addCreatePlanRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreatePlanRequest }>('/v1/admin/plans', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminCreatePlan',
      summary: 'Create a plan',
      description: 'A plan says what its tenants may do, and how much of it.',
      tags: ['Operator'],
      body: CreatePlanRequest,
      response: {
        201: answer('The plan.', Plan),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<Plan> => {
      const plan = await asOperator(deps, (db, dbNull) => createPlan(db, dbNull, request.body))
      reply.code(201)
      return presentPlan(plan)
    },
  })
}
