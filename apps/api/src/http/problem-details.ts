import type { ProblemDetails } from '@lettergate/contracts/messages/responses'
import { Problem, type ProblemCode, problemType } from '@lettergate/contracts/problems/problems'
import { BatcherFull } from '@lettergate/db/batcher'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { createRefusalLog } from './refusal-log.ts'
import { shownPath } from './shown-path.ts'

/** Maps refusals of the framework to our problems. */
const FRAMEWORK_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-request',
  FST_ERR_BAD_URL: 'not-found',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
  FST_ERR_HANDLER_TIMEOUT: 'overloaded',
}

/** Where the sentence of the table would not say what is wrong. */
const FRAMEWORK_DETAILS: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Content-Type is not a media type: it must be application/json.',
}

/** Maps a thrown value to a problem; null for an internal error. */
function asProblem(error: unknown): Problem | null {
  if (error instanceof Problem) return error
  if (error instanceof BatcherFull) return new Problem('overloaded', { headers: { 'retry-after': '1' } })
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known = FRAMEWORK_CODES[code]
  return known ? new Problem(known, { detail: FRAMEWORK_DETAILS[code] }) : null
}

/** A problem as answers say it (RFC 9457). */
export function problemDetails(problem: Problem, request?: { id: string; path: string }): ProblemDetails {
  return {
    type: problemType(problem.code),
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    ...(request ? { instance: request.path, request_id: request.id } : {}),
    ...(problem.errors ? { errors: problem.errors } : {}),
  }
}

/** Writes a problem as the answer. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.headers) reply.headers(problem.headers)
  return (
    reply
      // Fastify hangs up on every refused body; ours has been read, or is being thrown away.
      .removeHeader('connection')
      .code(problem.status)
      .header('content-type', 'application/problem+json')
      .header('cache-control', 'no-store')
      .serializer(String)
      .send(
        JSON.stringify(problemDetails(problem, { id: request.id, path: shownPath(request.raw.url ?? '/') })),
      )
  )
}

/** The only writer of error answers: a `Problem` as it is, anything else logged whole and answered as a bare 500. */
export function addProblemDetails(app: FastifyInstance, deps: { logger: Logger }): void {
  const logRefusal = createRefusalLog(deps.logger)
  app.setErrorHandler((error, request, reply) => {
    const problem = asProblem(error)
    if (problem && problem.status < 500) return sendProblem(request, reply, problem)
    // A client that has left gets no answer; the aborted work is no error.
    if (!problem && request.raw.destroyed && !request.raw.complete) {
      return sendProblem(request, reply, new Problem('malformed-request'))
    }
    const log = {
      err: error,
      request_id: request.id,
      method: request.method,
      path: shownPath(request.raw.url ?? '/'),
    }
    if (problem) logRefusal(problem.code, log)
    else deps.logger.error(log, 'request failed')
    return sendProblem(
      request,
      reply,
      problem ??
        new Problem('internal-error', {
          detail: 'The gateway failed. The error is logged under request_id.',
        }),
    )
  })
}
