import { Domain } from '@lettergate/contracts/domains/domains'
import { readOwnDomain } from '@lettergate/core/domains'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, DomainPath, problemAnswers } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Shows a domain with its records. */
export function addGetDomainRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/domains/:id', {
    config: { scope: 'domains:read' },
    schema: {
      operationId: 'getDomain',
      summary: 'Read a domain',
      description:
        'The domain, and for each of its records what is wanted, what was found, and what is different.',
      tags: ['Domains'],
      params: DomainPath,
      response: {
        200: answer('The domain.', Domain),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<Domain> => {
      const { tenantId } = tenantOf(request)
      return presentDomain(await readOwnDomain(deps.domains, tenantId, pathId('dom', request.params.id)))
    },
  })
}
