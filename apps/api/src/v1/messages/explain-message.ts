import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Explanation } from '@lettergate/contracts/messages/explain'
import { toConnectionName } from '@lettergate/core/lib'
import { explainMessage, type Reason } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'

function presentReason({ code, detail, recipients, connectionId, until, ahead, failure }: Reason) {
  return {
    code,
    detail,
    recipients,
    ahead,
    connection: connectionId === null ? null : toConnectionName(connectionId),
    until: until?.toISOString() ?? null,
    help: failure === null ? null : `/problems/${failure}`,
  }
}

/** Tells why a message is where it is. */
export function addExplainMessageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/messages/:id/explain', {
    config: { scope: 'messages:read' },
    schema: {
      operationId: 'explainMessage',
      summary: 'Explain the status of a message',
      description:
        'Why the message has its status: what it waits for, or how it ended. The most important reason comes first.',
      tags: ['Messages'],
      params: MessagePath,
      response: { 200: answer('The reasons.', Explanation), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<Explanation> => {
      const { message, reasons } = await explainMessage(
        deps,
        tenantOf(request),
        pathId('msg', request.params.id),
      )
      return {
        id: toPublicId('msg', message.id),
        status: message.status,
        reasons: reasons.map(presentReason),
      }
    },
  })
}
