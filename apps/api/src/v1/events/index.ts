import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addFollowEventsRoute } from './follow-events.ts'
import { addStreamEventsRoute } from './stream-events.ts'

export function addEventRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addFollowEventsRoute(app, deps)
  addStreamEventsRoute(app, deps)
}
