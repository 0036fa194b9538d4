import { Domain } from '@lettergate/contracts/domains/domains'
import { checkNow } from '@lettergate/core/domains'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, DomainPath, problemAnswers } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Checks a domain now. */
export function addCheckDomainRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/domains/:id/check', {
    config: { scope: 'domains:write', takesLong: true },
    schema: {
      operationId: 'checkDomain',
      summary: 'Check a domain',
      description:
        'Asks the name servers of the domain now, once a minute at most, and answers what they said. A domain that failed is looked for again, for 72 hours.',
      tags: ['Domains'],
      params: DomainPath,
      response: {
        200: answer('The domain, as found.', Domain),
        ...problemAnswers(401, 403, 404, 409, 429, 503),
      },
    },
    handler: async (request): Promise<Domain> => {
      const { tenantId } = tenantOf(request)
      return presentDomain(await checkNow(deps.domains, tenantId, pathId('dom', request.params.id)))
    },
  })
}
