import {
  AddSuppressionsRequest,
  SUPPRESSIONS_MAX,
  SuppressionsAdded,
} from '@lettergate/contracts/suppressions/suppressions'
import { addToList } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentSuppression } from './present-suppression.ts'

/** Puts addresses on the list. */
export function addAddSuppressionsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: AddSuppressionsRequest }>('/v1/suppressions', {
    config: { scope: 'suppressions:write' },
    schema: {
      operationId: 'addSuppressions',
      summary: 'Add suppressions',
      description:
        `Puts up to ${SUPPRESSIONS_MAX} addresses on the list. From now on they get no mail of the stream: new messages, and those that ` +
        'wait. An entry that is on the list stays as it is, unless the new one lasts longer. A repeat changes nothing.',
      tags: ['Suppressions'],
      body: AddSuppressionsRequest,
      response: {
        200: answer('The addresses are on the list.', SuppressionsAdded),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<SuppressionsAdded> => {
      const { added, rows } = await addToList(deps, tenantOf(request), request.body.suppressions)
      return { added, data: rows.map(presentSuppression) }
    },
  })
}
