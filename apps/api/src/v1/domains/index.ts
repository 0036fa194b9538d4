import type { RouteGroup } from '../../http/add-routes.ts'
import { addDomainRoute } from './add-domain.ts'
import { checkDomainRoute } from './check-domain.ts'
import { deleteDomainRoute } from './delete-domain.ts'
import { getDomainRoute } from './get-domain.ts'
import { getPoolSpfRoute } from './get-pool-spf.ts'
import { listDomainsRoute } from './list-domains.ts'
import { rotateDkimRoute } from './rotate-dkim.ts'

const BYTES_MAX = 4 * 1024

export const domainRoutes: RouteGroup = {
  tag: 'Domains',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    addDomainRoute,
    listDomainsRoute,
    getDomainRoute,
    deleteDomainRoute,
    checkDomainRoute,
    rotateDkimRoute,
    getPoolSpfRoute,
  ],
}
