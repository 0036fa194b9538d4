import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

export type File = { type: string; name?: string }
type Pieces = Iterable<Buffer> | AsyncIterable<string | Buffer>

/** Sends a file in pieces, as fast as the client takes them. */
export function sendPieces(reply: FastifyReply, { type, name }: File, pieces: Pieces): FastifyReply {
  return (
    reply
      .header('content-type', type)
      // Never shown by a browser in the origin of the API: a stranger may have written it.
      .header('content-disposition', name === undefined ? 'attachment' : `attachment; filename="${name}"`)
      .header('x-content-type-options', 'nosniff')
      .send(Readable.from(pieces, { objectMode: false }))
  )
}
