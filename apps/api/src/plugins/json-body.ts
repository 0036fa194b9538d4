import { hash } from 'node:crypto'
import { Problem } from '@lettergate/contracts/problems'
import type { FastifyInstance, preValidationHookHandler } from 'fastify'
import { parseJson } from '../json/parse-json.ts'
import type { BodyBudget } from './body-budget.ts'
import { readBody } from './read-body.ts'

/** The type alone, or with UTF-8 named as its charset; nothing else is the JSON that RFC 8259 speaks of. */
const JSON_TYPE = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?[ \t]*$/i

function unsupported(detail: string): Problem {
  return new Problem('unsupported-media-type', { detail })
}

function refusedFields(headers: { [name: string]: string | string[] | undefined }): Problem | null {
  const type = headers['content-type']
  // Compared first: nearly every client writes exactly this.
  if (type !== 'application/json' && !(typeof type === 'string' && JSON_TYPE.test(type))) {
    return unsupported('Content-Type must be application/json; the only charset is utf-8.')
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    return unsupported('Content-Encoding is not supported: send the body as it is.')
  }
  return null
}

/** Fastify calls no parser, and so nobody has complained yet, when there is neither a body nor a type. */
const requireBody: preValidationHookHandler = (request, _reply, done) => {
  if (request.body === undefined) done(unsupported('A JSON body is required.'))
  else done()
}

/**
 * Reads bodies in this scope: JSON alone, in UTF-8, within the limit and within the budget of the process. The limit is
 * an argument, and not Fastify's bodyLimit, because looking that up builds an object for each request.
 */
export function addJsonBody(scope: FastifyInstance, deps: { budget: BodyBudget; bytesMax: number }): void {
  scope.addHook('onRoute', (route) => {
    if (route.schema?.body) route.preValidation = requireBody
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', (request, stream, done) => {
    const refused = refusedFields(request.raw.headers)
    if (refused) return done(refused)
    readBody(stream, deps, (error, bytes, taken) => {
      request.bodyBytesTaken = taken
      if (error || bytes === null) return done(error)
      try {
        if (request.raw.headers['idempotency-key'] !== undefined) {
          request.bodyHash = hash('sha256', bytes, 'buffer')
        }
        done(null, parseJson(bytes))
      } catch (cause) {
        done(cause instanceof Error ? cause : new Error(String(cause)))
      }
    })
  })
}
