import { PoolSpf } from '@lettergate/contracts/domains/domains'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

const NOTE =
  'You need no SPF record for mail that this gateway sends with a return path of its own or of `bounce.` below your domain: receivers look at that name. Include it if your own domain is the return path.'

/** Shows the names of this gateway for DNS records. */
export function addGetPoolSpfRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/pool/spf', {
    config: { scope: 'domains:read' },
    schema: {
      operationId: 'getPoolSpf',
      summary: 'Read the SPF include',
      description: 'The names of this gateway for your SPF record and your return path.',
      tags: ['Domains'],
      response: {
        200: answer('The names.', PoolSpf),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (): Promise<PoolSpf> => {
      const { spfInclude, returnPathDomain } = deps.domains.gateway
      return {
        include: spfInclude,
        record: spfInclude === null ? null : `v=spf1 include:${spfInclude} ~all`,
        return_path_domain: returnPathDomain,
        note: NOTE,
      }
    },
  })
}
