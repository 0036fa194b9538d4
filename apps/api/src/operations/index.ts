import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../deps.ts'
import { addDocsRoute } from './docs.ts'
import { addEgressPageRoute } from './egress-page.ts'
import { addHealthzRoute } from './healthz.ts'
import { addOpenApiRoute } from './openapi.ts'
import { addProblemPageRoute } from './problem-page.ts'
import { addReadyzRoute } from './readyz.ts'

export function addOperationRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addHealthzRoute(app)
  addReadyzRoute(app, deps)
  addOpenApiRoute(app)
  addDocsRoute(app)
  addProblemPageRoute(app)
  addEgressPageRoute(app)
}
