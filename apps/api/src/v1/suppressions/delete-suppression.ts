import { DeleteSuppressionQuery, SuppressionsDeleted } from '@lettergate/contracts/suppressions/suppressions'
import { deleteFromList } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { AddressPath } from './paths.ts'

/** Takes an address off the list. */
export function addDeleteSuppressionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: AddressPath; Querystring: DeleteSuppressionQuery }>('/v1/suppressions/:address', {
    config: { scope: 'suppressions:write' },
    schema: {
      operationId: 'deleteSuppression',
      summary: 'Delete a suppression',
      description:
        'Takes the address off the list. New messages go to it again; recipients that are `suppressed` already stay so. ' +
        'Mail to an address that does not exist, or to people who complained, harms your reputation at mail providers.',
      tags: ['Suppressions'],
      params: AddressPath,
      querystring: DeleteSuppressionQuery,
      response: {
        200: answer('The entries are deleted.', SuppressionsDeleted),
        ...problemAnswers(401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<SuppressionsDeleted> => {
      const { address } = request.params
      const { stream } = request.query
      return { address, deleted: await deleteFromList(deps, tenantOf(request), { address, stream }) }
    },
  })
}
