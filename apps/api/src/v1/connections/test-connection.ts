import { TestConnectionRequest } from '@lettergate/contracts/connections/requests'
import { ConnectionTest } from '@lettergate/contracts/connections/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { testMessage } from '@lettergate/core/connections'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { type TenantPrincipal, tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'
import { acceptedOf } from '../messages/send-message.ts'
import { presentCheck } from './present-check.ts'

/** Accepts the test message as any other, so that it is counted, limited and followed as any other. */
async function sendTest(
  deps: ApiDeps,
  { tenantId, mode }: TenantPrincipal,
  reply: FastifyReply,
  message: { connectionId: string; from: string; to: string },
): Promise<string | null> {
  const outcome = await deps.acceptor.accept({ id: tenantId, mode }, { messages: [testMessage(message)] })
  const [accepted] = acceptedOf(outcome, reply).messages
  return accepted ? toPublicId('msg', accepted.id) : null
}

/** Asks a provider about the account behind a connection, and sends a message by it if that is wanted. */
export function addTestConnectionRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: TestConnectionRequest }>('/v1/connections/:id/test', {
    config: { scope: 'connections:write', liveOnly: true, takesLong: true },
    schema: {
      operationId: 'testConnection',
      summary: 'Test a connection',
      description:
        'Logs in at the provider and asks what the account may send; takes 15 seconds at most. A fault is an answer with `ok: false` ' +
        'and advice, not an error. With `send_to`, and if the account is good, a short message is also accepted for it: it counts as any ' +
        'other, names this connection, and needs a key that may send. 10 times a minute. Needs a live key.',
      tags: ['Connections'],
      params: ConnectionPath,
      body: TestConnectionRequest,
      response: {
        200: answer('What was found.', ConnectionTest),
        ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
      },
    },
    handler: async (request, reply): Promise<ConnectionTest> => {
      const connectionId = pathId('con', request.params.id)
      const tenant = tenantOf(request)
      const { send_to: to, from } = request.body
      if (to !== undefined && !tenant.scopes.has('messages:send')) {
        throw new Problem('insufficient-scope', {
          detail: 'send_to needs a key with the scope messages:send.',
        })
      }
      const checked = await deps.checker.check(tenant.tenantId, connectionId)
      const isSent = to !== undefined && from !== undefined && checked.report.problem === null
      const messageId = isSent ? await sendTest(deps, tenant, reply, { connectionId, from, to }) : null
      return presentCheck(checked, messageId)
    },
  })
}
