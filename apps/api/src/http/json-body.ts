import { hash } from 'node:crypto'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyInstance, FastifyRequest, preValidationHookHandler } from 'fastify'
import { z } from 'zod'
import type { BodyBudget } from './body-budget.ts'
import { bytesHashInSteps, canonicalHash, canonicalHashInSteps } from './json/canonical-hash.ts'
import { mediaTypeIssue } from './json/media-type.ts'
import { parseJson, parseJsonInSteps } from './json/parse-json.ts'
import { LARGE_BYTES_MIN, type LargeTask, readLarge } from './json/read-large.ts'
import { readBody } from './read-body.ts'
import type { RefusedBodies } from './refused-bodies.ts'

/** A larger body is read in steps, between which other requests get their turn. */
const AT_ONCE_BYTES = 256 * 1024
/** Refusals that blame the body. */
const BLAMES_BODY = new Set([400, 413, 415, 422])

function unsupported(detail: string): Problem {
  return new Problem('unsupported-media-type', { detail })
}

function refusedFields(headers: { [name: string]: string | string[] | undefined }): Problem | null {
  const type = headers['content-type']
  const issue = mediaTypeIssue(Array.isArray(type) ? type.join(',') : type)
  if (issue !== null) return unsupported(issue)
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    return unsupported('Content-Encoding is not supported: send the body as it is.')
  }
  return null
}

/** Fastify calls no parser, so nothing has been refused yet, if there is neither a body nor a type. */
const requireBody: preValidationHookHandler = (request, _reply, done) => {
  if (request.body !== undefined) done()
  else if (request.headers['content-type'] === undefined) done(unsupported('A JSON body is required.'))
  else done(new Problem('malformed-json', { detail: 'The body is empty.' }))
}

/** Where every field may be left out, the body may be left out too. */
const replaceNoBody: preValidationHookHandler = (request, _reply, done) => {
  request.body ??= {}
  done()
}

/** The tenant that a refused body counts against, or the key of the operator. */
export function payerOf({ principal }: FastifyRequest): string {
  if (principal === null) return ''
  return principal.mode === 'admin' ? principal.keyId : principal.tenantId
}

function refusedPayer(waitSeconds: number): Problem | null {
  if (waitSeconds === 0) return null
  return new Problem('rate-limited', {
    detail:
      'Too many invalid request bodies came from this tenant. Correct the errors named in the answers, then repeat.',
    headers: { 'retry-after': String(waitSeconds) },
  })
}

/** The parsed body, or the messages of a large one; its hashes go to the request when it has an Idempotency-Key. */
function read(request: FastifyRequest, chunks: Buffer[], now: () => number): unknown {
  const isKeyed = request.raw.headers['idempotency-key'] !== undefined
  const kind = request.routeOptions.config.messages
  if (kind && request.bodyBytes > LARGE_BYTES_MIN) {
    return readApart(request, chunks, { kind, now: now(), isKeyed })
  }
  const [first] = chunks
  const bytes = chunks.length === 1 && first ? first : Buffer.concat(chunks, request.bodyBytes)
  if (bytes.length > AT_ONCE_BYTES) return readInSteps(request, bytes, isKeyed)
  const value = parseJson(bytes)
  if (isKeyed) request.bodyHash = { ofValue: canonicalHash(value), ofBytes: hash('sha256', bytes, 'buffer') }
  return value
}

async function readInSteps(request: FastifyRequest, bytes: Buffer, isKeyed: boolean): Promise<unknown> {
  const value = await parseJsonInSteps(bytes)
  if (isKeyed) {
    request.bodyHash = { ofValue: await canonicalHashInSteps(value), ofBytes: await bytesHashInSteps(bytes) }
  }
  return value
}

async function readApart(request: FastifyRequest, chunks: Buffer[], task: LargeTask): Promise<unknown> {
  const messages = await readLarge(chunks, task)
  request.bodyHash = messages.hash
  return messages
}

/**
 * Reads bodies in this scope: JSON alone, in UTF-8, within the limit and within the budget of the process. The limit is
 * an argument, and not Fastify's bodyLimit, because looking that up builds an object for each request.
 */
export function addJsonBody(
  scope: FastifyInstance,
  deps: { budget: BodyBudget; bytesMax: number; refusedBodies: RefusedBodies; clock: { now(): number } },
): void {
  scope.addHook('onRoute', (route) => {
    const { body } = route.schema ?? {}
    if (!(body instanceof z.ZodType)) return
    route.preValidation = body.safeParse({}).success ? replaceNoBody : requireBody
  })
  scope.addHook('onError', (request, _reply, error, done) => {
    if (error instanceof Problem && BLAMES_BODY.has(error.status) && request.bodyBytes > 0) {
      deps.refusedBodies.charge(payerOf(request), request.bodyBytes)
    }
    done()
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (request, stream, done) => {
    const refused = refusedFields(request.raw.headers)
    if (refused) return done(refused)
    const refusal = refusedPayer(deps.refusedBodies.waitSeconds(payerOf(request)))
    readBody(stream, { ...deps, refusal }, (error, chunks, taken, length) => {
      request.bodyBytesTaken = taken
      request.bodyBytes = length
      if (error || chunks === null) return done(error)
      // Many clients name a type even where they send nothing.
      if (length === 0) return done(null, undefined)
      try {
        const value = read(request, chunks, deps.clock.now)
        if (value instanceof Promise) value.then((parsed) => done(null, parsed), done)
        else done(null, value)
      } catch (cause) {
        done(cause instanceof Error ? cause : new Error(String(cause)))
      }
    })
  })
}
