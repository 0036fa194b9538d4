import { ConnectionTest } from '@lettergate/contracts/connections/responses'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentCheck } from '../../v1/connections/present-check.ts'

/** Asks a provider about the account behind a connection of the pool. */
export const testPoolConnectionRoute = operatorRoute('POST', '/v1/admin/pool/:id/test', {
  takesLong: true,
  operationId: 'testPoolConnection',
  summary: 'Test a connection of the shared pool',
  description:
    'Logs in at the provider and asks what the account is allowed to send; sends nothing. It takes 15 seconds at most. If the account ' +
    'does not work, the answer is 200 with `ok: false` and advice. 10 tests a minute. Needs an operator key.',
  id: 'con',
  answers: { 200: answer('The result of the test.', ConnectionTest) },
  problems: [409, 429],
  handler: async ({ deps, id }) => presentCheck(await deps.checker.check(POOL_TENANT_ID, id), null),
})
