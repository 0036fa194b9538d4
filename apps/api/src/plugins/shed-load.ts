import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Problem } from '@lettergate/contracts/problems'
import type { Logger } from 'pino'
import type { Metrics } from './metrics.ts'
import { problemDetails } from './problem-details.ts'
import { watchSockets } from './shed-sockets.ts'

export type Shedding = {
  acceptor: { waiting(): number }
  metrics: Pick<Metrics, 'countShed'>
  logger: Pick<Logger, 'warn'>
  stopping: { readonly isClosing: boolean }
}

/** Requests that wait to be stored or are being stored, two full batches; whoever comes then is told at once to come back later. */
const WAITING_MAX = 500
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

function bodyOf(path: string, id: string): string {
  return `${BODY},"instance":${JSON.stringify(path)},"request_id":"${id}"}`
}

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
  requestIds: (request: Pick<IncomingMessage, 'headers'>) => string,
  deps: Shedding,
): void {
  const listeners = server.listeners('request')
  let loggedAt = Number.NEGATIVE_INFINITY

  function count(): void {
    deps.metrics.countShed()
    if (performance.now() - loggedAt <= LOG_EVERY_MS) return
    loggedAt = performance.now()
    deps.logger.warn({ waiting: deps.acceptor.waiting() }, 'overloaded: sends are refused')
  }

  const isOverloaded = () => deps.acceptor.waiting() >= WAITING_MAX
  const sockets = watchSockets(server, {
    isOverloaded: () => isOverloaded() && !deps.stopping.isClosing,
    refusal({ path, requestId }) {
      count()
      const id = requestIds({ headers: { 'x-request-id': requestId } })
      const body = bodyOf(path, id)
      return Buffer.from(
        `HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\n` +
          `cache-control: no-store\r\nretry-after: 1\r\nx-request-id: ${id}\r\ndate: ${new Date().toUTCString()}\r\n\r\n${body}`,
        'latin1',
      )
    },
  })

  function refuse(request: IncomingMessage, response: ServerResponse): void {
    count()
    const id = requestIds(request)
    const path = request.url?.split('?', 1)[0]?.slice(0, 500)
    const body = bodyOf(path ?? '', id)
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
    sockets.onRequest(request, response)
    if (isSend(request) && isOverloaded()) return refuse(request, response)
    for (const listener of listeners) listener(request, response)
  })
}
