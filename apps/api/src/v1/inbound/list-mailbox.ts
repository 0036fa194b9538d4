import { InboundList, ListMailboxQuery } from '@lettergate/contracts/inbound/messages'
import { listInbound, readMailbox } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { MailboxPath } from './paths.ts'
import { presentListed } from './present-inbound.ts'

/** Lists the mail of a mailbox. */
export function addListMailboxRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string }; Querystring: ListMailboxQuery }>('/v1/inbound/mailboxes/:id/messages', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'listMailboxMessages',
      summary: 'List the mail of a mailbox',
      description: 'Newest first, a page at a time.',
      tags: ['Inbound'],
      params: MailboxPath,
      querystring: ListMailboxQuery,
      response: {
        200: answer('A page of mails.', InboundList),
        ...problemAnswers(400, 401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<InboundList> => {
      const owner = tenantOf(request)
      const { id: mailboxId } = await readMailbox(deps, owner, pathId('mbx', request.params.id))
      const { mails, nextCursor } = await listInbound(deps, owner, { mailboxId, ...request.query })
      return { data: mails.map(presentListed), next_cursor: nextCursor }
    },
  })
}
