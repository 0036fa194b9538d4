import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addGetErasureRoute } from './get-erasure.ts'
import { addGetExportRoute } from './get-export.ts'
import { addReadFileRoute } from './read-file.ts'
import { addStartErasureRoute } from './start-erasure.ts'
import { addStartExportRoute } from './start-export.ts'

const BYTES_MAX = 16 * 1024

export function addDataRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addStartExportRoute(app, deps)
  addGetExportRoute(app, deps)
  addReadFileRoute(app, deps)
  addStartErasureRoute(app, deps)
  addGetErasureRoute(app, deps)
}
