import { TestConnectionRequest } from '@lettergate/contracts/connections/requests'
import { ConnectionTest } from '@lettergate/contracts/connections/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { testMessage } from '@lettergate/core/connections'
import type { TenantPrincipal } from '@lettergate/core/keys'
import type { FastifyReply } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { resultsOf } from '../../http/submission.ts'
import { presentCheck } from './present-check.ts'

/** Accepts the test message as any other, so that it is counted, limited and followed as any other. */
async function sendTest(
  deps: ApiDeps,
  { tenantId, mode }: TenantPrincipal,
  reply: FastifyReply,
  message: { connectionId: string; from: string; to: string },
): Promise<string | null> {
  const outcome = await deps.submit({
    tenant: { id: tenantId, mode },
    messages: [testMessage(message)],
    atomic: true,
    idempotency: null,
  })
  const [accepted] = resultsOf(outcome, reply).results
  return accepted && 'id' in accepted ? toPublicId('msg', accepted.id) : null
}

/** Asks a provider about the account behind a connection, and sends a message by it if that is wanted. */
export const testConnectionRoute = tenantRoute('POST', '/v1/connections/:id/test', {
  scope: 'connections:write',
  liveOnly: true,
  takesLong: true,
  operationId: 'testConnection',
  summary: 'Test a connection',
  description:
    'Logs in at the provider and asks what the account is allowed to send. It takes 15 seconds at most. If the account does not ' +
    'work, the answer is 200 with `ok: false` and advice. With `send_to`, a working account also sends a short message through this ' +
    'connection: it counts like any other and needs a key with the scope messages:send. 10 tests a minute. Needs a live key.',
  id: 'con',
  body: TestConnectionRequest,
  answers: { 200: answer('The result of the test.', ConnectionTest) },
  problems: [409, 429],
  handler: async ({ deps, reply, tenant, tenantId, id, body }) => {
    const { send_to: to, from } = body
    if (to !== undefined && !tenant.scopes.has('messages:send')) {
      throw new Problem('insufficient-scope', {
        detail: 'send_to needs a key with the scope messages:send.',
      })
    }
    const checked = await deps.checker.check(tenantId, id)
    const isSent = to !== undefined && from !== undefined && checked.report.problem === null
    const messageId = isSent ? await sendTest(deps, tenant, reply, { connectionId: id, from, to }) : null
    return presentCheck(checked, messageId)
  },
})
