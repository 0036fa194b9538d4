import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addAddDomainRoute } from './add-domain.ts'
import { addCheckDomainRoute } from './check-domain.ts'
import { addDeleteDomainRoute } from './delete-domain.ts'
import { addGetDomainRoute } from './get-domain.ts'
import { addGetPoolSpfRoute } from './get-pool-spf.ts'
import { addListDomainsRoute } from './list-domains.ts'
import { addRotateDkimRoute } from './rotate-dkim.ts'

const BYTES_MAX = 4 * 1024

export function addDomainRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addAddDomainRoute(app, deps)
  addListDomainsRoute(app, deps)
  addGetDomainRoute(app, deps)
  addDeleteDomainRoute(app, deps)
  addCheckDomainRoute(app, deps)
  addRotateDkimRoute(app, deps)
  addGetPoolSpfRoute(app, deps)
}
