import type { RouteGroup } from '../../http/add-routes.ts'
import { exportAuditRoute } from './export-audit.ts'
import { listAuditRoute } from './list-audit.ts'

export const auditRoutes: RouteGroup = {
  tag: 'Audit',
  routes: [listAuditRoute, exportAuditRoute],
}
