import { readRaw } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { whenAnswered } from '../../http/answer-budget.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { MessagePath, problemAnswers } from '../../http/schemas.ts'
import { streamBytes } from '../../http/stream-bytes.ts'

const RawMessage = z.string().describe('The whole message (RFC 5322).')

/** Answers the mail itself, as it is sent. */
export function addReadRawRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/messages/:id/raw', {
    config: { scope: 'messages:read', takesLong: true },
    schema: {
      operationId: 'readRawMessage',
      summary: 'Read the mail itself',
      description:
        'The message as it is sent to the provider, which may add or replace header fields. A tenant can read two large messages at ' +
        'a time. The gateway ends an answer if the client reads nothing for 15 seconds.',
      tags: ['Messages'],
      params: MessagePath,
      response: {
        200: { description: 'The mail.', content: { 'message/rfc822': { schema: RawMessage } } },
        ...problemAnswers(401, 403, 404, 410, 429, 503),
      },
    },
    handler: async (request, reply) => {
      const reader = tenantOf(request)
      let release = () => {}
      const reserve = (bytes: number) => {
        release = deps.answers.take(reader.tenantId, bytes)
      }
      // A client that leaves does not end the building: until then its memory counts.
      const raw = await readRaw(deps, reader, pathId('msg', request.params.id), reserve).finally(() =>
        whenAnswered(reply, () => release()),
      )
      // Never shown by a browser in the origin of the API: the mail is not ours to trust.
      return reply
        .header('content-type', 'message/rfc822')
        .header('content-disposition', `attachment; filename="${request.params.id}.eml"`)
        .header('x-content-type-options', 'nosniff')
        .header('content-length', raw.length)
        .send(streamBytes(raw))
    },
  })
}
