import { adminDataRoutes } from './admin/data-life/index.ts'
import { adminRoutes } from './admin/index.ts'
import { poolAdminRoutes } from './admin/pool/index.ts'
import type { RouteGroup } from './http/add-routes.ts'
import { auditRoutes } from './v1/audit/index.ts'
import { connectionRoutes } from './v1/connections/index.ts'
import { dataRoutes } from './v1/data-life/index.ts'
import { domainRoutes } from './v1/domains/index.ts'
import { egressRoutes } from './v1/egress/index.ts'
import { endpointRoutes } from './v1/endpoints/index.ts'
import { eventRoutes } from './v1/events/index.ts'
import { inboundRoutes } from './v1/inbound/index.ts'
import { keyRoutes } from './v1/keys/index.ts'
import { messageRoutes, sendRoutes } from './v1/messages/index.ts'
import { routeRoutes } from './v1/routes/index.ts'
import { settingsRoutes } from './v1/settings/index.ts'
import { smtpCredentialRoutes } from './v1/smtp-credentials/index.ts'
import { suppressionImportRoutes, suppressionRoutes } from './v1/suppressions/index.ts'
import { usageRoutes } from './v1/usage/index.ts'

/** The operations of the API, in the order of the reference. */
export const apiRoutes: readonly RouteGroup[] = [
  sendRoutes,
  messageRoutes,
  connectionRoutes,
  routeRoutes,
  endpointRoutes,
  domainRoutes,
  smtpCredentialRoutes,
  eventRoutes,
  keyRoutes,
  egressRoutes,
  suppressionRoutes,
  suppressionImportRoutes,
  auditRoutes,
  adminRoutes,
  usageRoutes,
  inboundRoutes,
  dataRoutes,
  adminDataRoutes,
  settingsRoutes,
  poolAdminRoutes,
]
