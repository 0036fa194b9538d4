import { deleteMailbox } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers } from '../../http/schemas.ts'
import { MailboxPath } from './paths.ts'

/** Removes a mailbox. */
export function addDeleteMailboxRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/inbound/mailboxes/:id', {
    config: { scope: 'inbound:write' },
    schema: {
      operationId: 'deleteMailbox',
      summary: 'Delete a mailbox',
      description:
        '409 while an inbound route stores in it. Its mail stays in the list of all received mail.',
      tags: ['Inbound'],
      params: MailboxPath,
      response: {
        204: z.null().describe('The mailbox is deleted.'),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request, reply) => {
      await deleteMailbox(deps, tenantOf(request), pathId('mbx', request.params.id))
      return reply.code(204).send()
    },
  })
}
