import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addGetPlanRoute } from './get-plan.ts'
import { addGetUsageRoute } from './get-usage.ts'

export function addUsageRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addGetUsageRoute(app, deps)
  addGetPlanRoute(app, deps)
}
