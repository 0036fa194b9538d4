import { readInboundFile } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { whenAnswered } from '../../http/answer-budget.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers } from '../../http/schemas.ts'
import { streamBytes } from '../../http/stream-bytes.ts'
import { AttachmentPath } from './paths.ts'

const Content = z.string().describe('The bytes of the file.')

/** Answers a file of a received mail. */
export function addReadAttachmentRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string; number: number } }>('/v1/inbound/messages/:id/attachments/:number', {
    config: { scope: 'inbound:read', takesLong: true },
    schema: {
      operationId: 'readInboundAttachment',
      summary: 'Read a file of a received mail',
      description: 'Its content, decoded. Its name and type are in the mail; a stranger wrote them.',
      tags: ['Inbound'],
      params: AttachmentPath,
      response: {
        200: { description: 'The file.', content: { 'application/octet-stream': { schema: Content } } },
        ...problemAnswers(401, 403, 404, 422, 429, 503),
      },
    },
    handler: async (request, reply) => {
      const reader = tenantOf(request)
      let release = () => {}
      const reserve = (bytes: number) => {
        release = deps.answers.take(reader.tenantId, bytes)
      }
      const place = { id: pathId('inb', request.params.id), number: request.params.number }
      const { bytes } = await readInboundFile(deps, reader, place, reserve).finally(() =>
        whenAnswered(reply, () => release()),
      )
      // Never shown by a browser in the origin of the API: a stranger wrote it.
      return reply
        .header('content-type', 'application/octet-stream')
        .header('content-disposition', 'attachment')
        .header('x-content-type-options', 'nosniff')
        .header('content-length', bytes.length)
        .send(streamBytes(bytes))
    },
  })
}
