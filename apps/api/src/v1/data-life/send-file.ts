import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** Answers the file of an export, read from the database as fast as the client takes it. */
export function sendExportFile(
  reply: FastifyReply,
  id: string,
  pieces: AsyncGenerator<Buffer>,
): FastifyReply {
  return reply
    .header('content-type', 'application/x-ndjson; charset=utf-8')
    .header('content-disposition', `attachment; filename="${id}.ndjson"`)
    .header('x-content-type-options', 'nosniff')
    .send(Readable.from(pieces, { objectMode: false }))
}
