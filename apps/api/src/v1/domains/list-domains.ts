import { DomainList } from '@lettergate/contracts/domains/domains'
import { listDomains } from '@lettergate/core/domains'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentSummary } from './present-domain.ts'

/** Lists the domains of the tenant. */
export function addListDomainsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/domains', {
    config: { scope: 'domains:read' },
    schema: {
      operationId: 'listDomains',
      summary: 'List domains',
      description:
        'All domains in the order of their names, without their records. Test keys and live keys see the same.',
      tags: ['Domains'],
      response: {
        200: answer('All domains.', DomainList),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (request): Promise<DomainList> => {
      const { tenantId } = tenantOf(request)
      return { data: (await listDomains(deps.domains, tenantId)).map(presentSummary) }
    },
  })
}
