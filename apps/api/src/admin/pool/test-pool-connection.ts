import { ConnectionTest } from '@lettergate/contracts/connections/responses'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { presentCheck } from '../../v1/connections/present-check.ts'

/** Asks a provider about the account behind a connection of the pool. */
export function addTestPoolConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/admin/pool/:id/test', {
    config: { scope: 'admin', takesLong: true },
    schema: {
      operationId: 'testPoolConnection',
      summary: 'Test a connection of the shared pool',
      description:
        'Logs in at the provider and asks what the account is allowed to send; sends nothing. It takes 15 seconds at most. If the account ' +
        'does not work, the answer is 200 with `ok: false` and advice. 10 tests a minute. Needs an operator key.',
      tags: ['Shared pool'],
      params: ConnectionPath,
      response: {
        200: answer('The result of the test.', ConnectionTest),
        ...problemAnswers(401, 403, 404, 409, 429, 503),
      },
    },
    handler: async (request): Promise<ConnectionTest> =>
      presentCheck(await deps.checker.check(POOL_TENANT_ID, pathId('con', request.params.id)), null),
  })
}
