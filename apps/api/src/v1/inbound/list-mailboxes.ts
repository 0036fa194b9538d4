import { MailboxList } from '@lettergate/contracts/inbound/messages'
import { listMailboxes } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentMailbox } from './present-mailbox.ts'

/** Lists the mailboxes. */
export function addListMailboxesRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/inbound/mailboxes', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'listMailboxes',
      summary: 'List mailboxes',
      description: 'All mailboxes of the mode of the key, by name.',
      tags: ['Inbound'],
      response: {
        200: answer('All mailboxes.', MailboxList),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (request): Promise<MailboxList> => {
      return { data: (await listMailboxes(deps, tenantOf(request))).map(presentMailbox) }
    },
  })
}
