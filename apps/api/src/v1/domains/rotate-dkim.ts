import { Domain } from '@lettergate/contracts/domains/domains'
import { rotateKeys } from '@lettergate/core/domains'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, DomainPath, problemAnswers } from '../../http/schemas.ts'
import { presentDomain } from './present-domain.ts'

/** Makes new keys beside those in use. */
export function addRotateDkimRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/domains/:id/rotate-dkim', {
    config: { scope: 'domains:write' },
    schema: {
      operationId: 'rotateDkim',
      summary: 'Rotate the DKIM keys',
      description:
        'Makes new keys. Add their records; the keys are used once all name servers have had them for an hour. Keep the records of the earlier keys until they are shown as `remove`.',
      tags: ['Domains'],
      params: DomainPath,
      response: {
        200: answer('The domain, with the records of the new keys.', Domain),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request): Promise<Domain> => {
      const { tenantId } = tenantOf(request)
      return presentDomain(await rotateKeys(deps.domains, tenantId, pathId('dom', request.params.id)))
    },
  })
}
