import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCreateKeyRoute } from './create-key.ts'
import { addGetKeyRoute } from './get-key.ts'
import { addListKeysRoute } from './list-keys.ts'
import { addRevokeKeyRoute } from './revoke-key.ts'
import { addRotateKeyRoute } from './rotate-key.ts'

const BYTES_MAX = 64 * 1024

export function addKeyRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addCreateKeyRoute(app, deps)
  addListKeysRoute(app, deps)
  addGetKeyRoute(app, deps)
  addRotateKeyRoute(app, deps)
  addRevokeKeyRoute(app, deps)
}
