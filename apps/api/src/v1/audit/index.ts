import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addExportAuditRoute } from './export-audit.ts'
import { addListAuditRoute } from './list-audit.ts'

export function addAuditRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addListAuditRoute(app, deps)
  addExportAuditRoute(app, deps)
}
