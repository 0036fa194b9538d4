import { CreateMailboxRequest, Mailbox } from '@lettergate/contracts/inbound/messages'
import { createMailbox } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentMailbox } from './present-mailbox.ts'

/** Makes a mailbox. */
export function addCreateMailboxRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateMailboxRequest }>('/v1/inbound/mailboxes', {
    config: { scope: 'inbound:write' },
    schema: {
      operationId: 'createMailbox',
      summary: 'Create a mailbox',
      description:
        'A place for received mail. An inbound route stores mail in it. A tenant has 100 mailboxes at most.',
      tags: ['Inbound'],
      body: CreateMailboxRequest,
      response: {
        201: answer('The new mailbox.', Mailbox),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<Mailbox> => {
      const shown = presentMailbox(await createMailbox(deps, tenantOf(request), request.body))
      reply.code(201).header('location', `/v1/inbound/mailboxes/${shown.id}`)
      return shown
    },
  })
}
