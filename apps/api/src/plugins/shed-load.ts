import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Problem } from '@lettergate/contracts/problems'
import type { Logger } from 'pino'
import type { Metrics } from './metrics.ts'
import { problemDetails } from './problem-details.ts'

export type Shedding = {
  acceptor: { waiting(): number }
  metrics: Pick<Metrics, 'countShed'>
  logger: Pick<Logger, 'warn'>
  stopping: { readonly isClosing: boolean }
}

/** Requests that wait to be stored, a tenth of a second of work; whoever comes then is told at once to come back later. */
const WAITING_MAX = 1_000
const LOG_EVERY_MS = 10_000
const SEND_PATH = '/v1/send'

/** Up to what differs from answer to answer. */
const BODY = JSON.stringify(
  problemDetails(
    new Problem('overloaded', {
      detail: 'Too many requests wait to be stored. Nothing was accepted; try again.',
    }),
  ),
).slice(0, -1)

function isSend({ method, url }: IncomingMessage): boolean {
  return method === 'POST' && url !== undefined && url.startsWith(SEND_PATH)
}

/**
 * Refuses sends that would only wait, before anything is done for them. What a refusal costs is taken from those that are
 * accepted: with the whole way to the full queue (key, body, checks, log), 1.5 times the load that could be carried left a
 * sixth of it. So this stands before the framework, and answers with what was made beforehand.
 */
export function shedLoad(
  server: Server,
  requestIds: (request: IncomingMessage) => string,
  deps: Shedding,
): void {
  const listeners = server.listeners('request')
  let loggedAt = Number.NEGATIVE_INFINITY

  function refuse(request: IncomingMessage, response: ServerResponse): void {
    deps.metrics.countShed()
    if (performance.now() - loggedAt > LOG_EVERY_MS) {
      loggedAt = performance.now()
      deps.logger.warn({ waiting: deps.acceptor.waiting() }, 'overloaded: sends are refused')
    }
    const id = requestIds(request)
    const path = request.url?.split('?', 1)[0]?.slice(0, 500)
    const body = `${BODY},"instance":${JSON.stringify(path)},"request_id":"${id}"}`
    const fields = [
      'content-type',
      'application/problem+json',
      'content-length',
      `${Buffer.byteLength(body)}`,
    ]
    fields.push('cache-control', 'no-store', 'retry-after', '1', 'x-request-id', id)
    if (deps.stopping.isClosing) fields.push('connection', 'close')
    response.writeHead(503, fields).end(body)
  }

  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (isSend(request) && deps.acceptor.waiting() >= WAITING_MAX) return refuse(request, response)
    for (const listener of listeners) listener(request, response)
  })
}
