import { deleteDomain } from '@lettergate/core/domains'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { DomainPath, problemAnswers } from '../../http/schemas.ts'

/** Removes a domain with its keys. */
export function addDeleteDomainRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/domains/:id', {
    config: { scope: 'domains:write' },
    schema: {
      operationId: 'deleteDomain',
      summary: 'Delete a domain',
      description:
        'No mail is signed with its keys any more, and it proves no sender. Remove its records from the DNS too. Added again, it has other records.',
      tags: ['Domains'],
      params: DomainPath,
      response: {
        204: z.null().describe('The domain is deleted.'),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      const { tenantId } = tenantOf(request)
      await deleteDomain(deps.domains, tenantId, pathId('dom', request.params.id))
      return reply.code(204).send()
    },
  })
}
