import { PoolSpf } from '@lettergate/contracts/domains/domains'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

const NOTE =
  'You need no SPF record for mail that this gateway sends with a return path of its own or of `bounce.` below your domain: receivers look at that name. Include it if your own domain is the return path.'

/** Shows the names of this gateway for DNS records. */
export const getPoolSpfRoute = tenantRoute('GET', '/v1/pool/spf', {
  scope: 'domains:read',
  operationId: 'getPoolSpf',
  summary: 'Read the SPF include',
  description: 'The names of this gateway for your SPF record and your return path.',
  answers: { 200: answer('The names.', PoolSpf) },
  handler: async ({ deps }) => {
    const { spfInclude, returnPathDomain } = deps.domains.gateway
    return {
      include: spfInclude,
      record: spfInclude === null ? null : `v=spf1 include:${spfInclude} ~all`,
      return_path_domain: returnPathDomain,
      note: NOTE,
    }
  },
})
