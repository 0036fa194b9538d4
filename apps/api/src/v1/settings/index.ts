import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addGetSettingsRoute } from './get-settings.ts'
import { addUpdateSettingsRoute } from './update-settings.ts'

const BYTES_MAX = 16 * 1024

export function addSettingsRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addGetSettingsRoute(app, deps)
  addUpdateSettingsRoute(app, deps)
}
