import { Mailbox } from '@lettergate/contracts/inbound/messages'
import { readMailbox } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { MailboxPath } from './paths.ts'
import { presentMailbox } from './present-mailbox.ts'

/** Shows a mailbox. */
export function addGetMailboxRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/inbound/mailboxes/:id', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'getMailbox',
      summary: 'Read a mailbox',
      description: 'The mailbox; its mail is listed by another operation.',
      tags: ['Inbound'],
      params: MailboxPath,
      response: {
        200: answer('The mailbox.', Mailbox),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<Mailbox> => {
      return presentMailbox(await readMailbox(deps, tenantOf(request), pathId('mbx', request.params.id)))
    },
  })
}
