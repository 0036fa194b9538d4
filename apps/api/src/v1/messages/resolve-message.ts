import { ResolveRequest } from '@lettergate/contracts/messages/requests'
import { Message } from '@lettergate/contracts/messages/responses'
import { resolveMessage } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** A person says what became of a recipient whose outcome is unknown. */
export function addResolveMessageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: ResolveRequest }>('/v1/messages/:id/resolve', {
    config: { scope: 'messages:write' },
    schema: {
      operationId: 'resolveMessage',
      summary: 'Resolve an unknown outcome',
      description:
        'Says what became of a recipient that is `unknown`, for instance after a look into the log of the provider. Nothing is sent. ' +
        'After `not_sent`, `POST /v1/messages/{id}/retry` sends it again. An event of the provider that comes later still counts: ' +
        'one that says `delivered` changes a recipient that is `failed`. A recipient that is not `unknown` gets 409.',
      tags: ['Messages'],
      params: MessagePath,
      body: ResolveRequest,
      response: {
        200: answer('The message with the new status.', Message),
        ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Message> =>
      presentMessage(
        await resolveMessage(deps, tenantOf(request), pathId('msg', request.params.id), request.body),
      ),
  })
}
