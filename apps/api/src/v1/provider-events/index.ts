import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addGetRegistrationRoute } from './get-registration.ts'
import { addReceiveEventRoutes } from './receive-event.ts'
import { addRegisterEventsRoutes } from './register-events.ts'
import { addUnregisterEventsRoute } from './unregister-events.ts'

const BYTES_MAX = 64 * 1024

/** Registrations, which take JSON of ours, and the URLs of providers, which take bytes. */
export async function addProviderEventRoutes(app: FastifyInstance, deps: ApiDeps): Promise<void> {
  await app.register(async (scope) => {
    addJsonBody(scope, { ...deps, bytesMax: BYTES_MAX })
    addRegisterEventsRoutes(scope, deps)
    addGetRegistrationRoute(scope, deps)
    addUnregisterEventsRoute(scope, deps)
  })
  await app.register(async (scope) => addReceiveEventRoutes(scope, deps))
}
