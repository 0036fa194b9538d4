import { readRawInbound } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { whenAnswered } from '../../http/answer-budget.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers } from '../../http/schemas.ts'
import { streamBytes } from '../../http/stream-bytes.ts'
import { InboundPath } from './paths.ts'

const RawMail = z.string().describe('The whole mail (RFC 5322).')

/** Answers a received mail as it came. */
export function addReadRawInboundRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/inbound/messages/:id/raw', {
    config: { scope: 'inbound:read', takesLong: true },
    schema: {
      operationId: 'readRawInboundMessage',
      summary: 'Read a received mail as it came',
      description: 'Byte for byte, with every line ended by CRLF.',
      tags: ['Inbound'],
      params: InboundPath,
      response: {
        200: { description: 'The mail.', content: { 'message/rfc822': { schema: RawMail } } },
        ...problemAnswers(401, 403, 404, 429, 503),
      },
    },
    handler: async (request, reply) => {
      const reader = tenantOf(request)
      let release = () => {}
      const reserve = (bytes: number) => {
        release = deps.answers.take(reader.tenantId, bytes)
      }
      const id = pathId('inb', request.params.id)
      const raw = await readRawInbound(deps, reader, id, reserve).finally(() =>
        whenAnswered(reply, () => release()),
      )
      // Never shown by a browser in the origin of the API: a stranger wrote it.
      return reply
        .header('content-type', 'message/rfc822')
        .header('content-disposition', `attachment; filename="${request.params.id}.eml"`)
        .header('x-content-type-options', 'nosniff')
        .header('content-length', raw.length)
        .send(streamBytes(raw))
    },
  })
}
