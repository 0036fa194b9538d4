import { AddDomainRequest, Domain } from '@lettergate/contracts/domains/domains'
import { addDomain } from '@lettergate/core/domains'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Adds a domain with keys. */
export function addAddDomainRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: AddDomainRequest }>('/v1/domains', {
    config: { scope: 'domains:write' },
    schema: {
      operationId: 'addDomain',
      summary: 'Add a domain',
      description:
        'Answers the DNS records to add. Adding proves nothing yet: the domain is verified once its ownership record or a DKIM key is found. It is looked for automatically, for 72 hours.',
      tags: ['Domains'],
      body: AddDomainRequest,
      response: {
        201: answer('The new domain, with its records.', Domain),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<Domain> => {
      const { tenantId } = tenantOf(request)
      const shown = presentDomain(await addDomain(deps.domains, tenantId, request.body.name))
      reply.code(201).header('location', `/v1/domains/${shown.id}`)
      return shown
    },
  })
}
