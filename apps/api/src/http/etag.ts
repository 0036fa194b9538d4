import { hash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

/** The tag of an answer: the same for the same bytes. */
export function tagOf(text: string | Buffer): string {
  return `"${hash('md5', text, 'base64url')}"`
}

/** RFC 9110 §13.1.2: a list of tags, weak ones too, or any. */
export function isKnown(condition: string | undefined, etag: string): boolean {
  return condition !== undefined && (condition === '*' || condition.includes(etag))
}

/** Larger answers are streamed or rare, and not worth reading once more. */
const BYTES_MAX = 1024 * 1024

/**
 * Puts an ETag on every JSON answer to a GET with a key, and answers 304 without a body if the client has that version. A route may set a
 * tag or `Cache-Control` of its own.
 */
export function addEntityTags(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const isRead = request.method === 'GET' && reply.statusCode === 200 && request.principal !== null
    const isDecided = reply.hasHeader('etag') || reply.hasHeader('cache-control')
    if (!isRead || typeof payload !== 'string' || payload.length > BYTES_MAX || isDecided) {
      done(null, payload)
      return
    }
    const etag = tagOf(payload)
    reply.header('etag', etag).header('cache-control', 'private, no-cache')
    if (!isKnown(request.raw.headers['if-none-match'], etag)) {
      done(null, payload)
      return
    }
    reply.code(304).removeHeader('content-type').removeHeader('content-length')
    done(null, null)
  })
}
