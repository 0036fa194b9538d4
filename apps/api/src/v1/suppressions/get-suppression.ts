import { AddressSuppressions } from '@lettergate/contracts/suppressions/suppressions'
import { findOnList } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { AddressPath } from './paths.ts'
import { presentSuppression } from './present-suppression.ts'

/** Looks one address up. */
export function addGetSuppressionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: AddressPath }>('/v1/suppressions/:address', {
    config: { scope: 'suppressions:read' },
    schema: {
      operationId: 'getSuppression',
      summary: 'Look an address up',
      description: 'The entries of one address. An address that is not on the list gets 404.',
      tags: ['Suppressions'],
      params: AddressPath,
      response: {
        200: answer('The address is on the list.', AddressSuppressions),
        ...problemAnswers(401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<AddressSuppressions> => {
      const { address } = request.params
      const rows = await findOnList(deps, tenantOf(request), address)
      return { address, data: rows.map(presentSuppression) }
    },
  })
}
