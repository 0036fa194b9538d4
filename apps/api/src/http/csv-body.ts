import { isUtf8 } from 'node:buffer'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { BodyBudget } from './body-budget.ts'
import { readBody } from './read-body.ts'

export const CSV_BYTES_MAX = 16_000_000
const TYPE = /^text\/csv *(; *(charset="?utf-?8"?|header=\w{1,10}) *)*$/i

function refusedFields(headers: NodeJS.Dict<string | string[]>): Problem | null {
  const type = headers['content-type']
  const encoding = headers['content-encoding']
  if (typeof type !== 'string' || type.length > 200 || !TYPE.test(type))
    return new Problem('unsupported-media-type', {
      detail: 'The body must be CSV in UTF-8: send it with the Content-Type text/csv.',
    })
  if (encoding === undefined || encoding === 'identity') return null
  return new Problem('unsupported-media-type', {
    detail: 'Content-Encoding is not supported: send the body as it is.',
  })
}

/** The bytes of a body. */
export function csvOf({ body }: FastifyRequest): Buffer {
  if (Buffer.isBuffer(body)) return body
  throw new Problem('unsupported-media-type', { detail: 'A body of the Content-Type text/csv is required.' })
}

/** Reads bodies in this scope: CSV alone, as its bytes, within the budget of the process. */
export function addCsvBody(scope: FastifyInstance, { budget }: { budget: BodyBudget }): void {
  // Before the query is checked.
  scope.addHook('preValidation', async (request) => {
    csvOf(request)
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (request, stream, done) => {
    const refused = refusedFields(request.raw.headers)
    if (refused) return done(refused)
    readBody(stream, { budget, bytesMax: CSV_BYTES_MAX }, (error, chunks, taken, length) => {
      request.bodyBytesTaken = taken
      request.bodyBytes = length
      if (error || chunks === null) return done(error)
      const bytes = Buffer.concat(chunks, length)
      if (isUtf8(bytes)) return done(null, bytes)
      const detail = 'The body is not UTF-8. Convert the file, then repeat the request.'
      done(new Problem('unsupported-media-type', { detail }))
    })
  })
}
