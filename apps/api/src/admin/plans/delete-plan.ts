import { deletePlan } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { problemAnswers } from '../../http/schemas.ts'
import { PlanPath } from '../paths.ts'

/** Deletes a plan that no tenant has. */
export function addDeletePlanRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { name: string } }>('/v1/admin/plans/:name', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminDeletePlan',
      summary: 'Delete a plan',
      description: 'A plan that a tenant has cannot be deleted.',
      tags: ['Operator'],
      params: PlanPath,
      response: {
        204: z.null().describe('The plan is deleted.'),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request, reply) => {
      await asOperator(deps, (db) => deletePlan(db, request.params.name))
      return reply.code(204).send()
    },
  })
}
