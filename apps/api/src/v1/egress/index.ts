import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addGetEgressRoute } from './get-egress.ts'
import { addTryEgressRoute } from './try-egress.ts'

const BYTES_MAX = 64 * 1024

export function addEgressRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addGetEgressRoute(app, deps)
  addTryEgressRoute(app, deps)
}
