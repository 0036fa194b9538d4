import { ListSuppressionsQuery, SuppressionList } from '@lettergate/contracts/suppressions/suppressions'
import { listSuppressions } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentSuppression } from './present-suppression.ts'

/** Lists the addresses that mail is not sent to. */
export function addListSuppressionsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: ListSuppressionsQuery }>('/v1/suppressions', {
    config: { scope: 'suppressions:read' },
    schema: {
      operationId: 'listSuppressions',
      summary: 'List suppressions',
      description:
        'Newest first. An entry is listed if it passes all filters. Test keys and live keys have a list each.',
      tags: ['Suppressions'],
      querystring: ListSuppressionsQuery,
      response: {
        200: answer('A page of the list.', SuppressionList),
        ...problemAnswers(400, 401, 403, 422, 503),
      },
    },
    handler: async (request): Promise<SuppressionList> => {
      const { rows, nextCursor } = await listSuppressions(deps, tenantOf(request), request.query)
      return { data: rows.map(presentSuppression), next_cursor: nextCursor }
    },
  })
}
