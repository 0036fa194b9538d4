import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Metrics } from '../http/metrics.ts'
import { createRefusals, refusalBody } from './refusal.ts'
import { createRefuser } from './refuser.ts'
import { watchSockets } from './shed-sockets.ts'

export type Shedding = {
  acceptor: { waiting(): number }
  metrics: Pick<Metrics, 'countShed'>
  logger: Pick<Logger, 'info' | 'warn'>
  stopping: { readonly isDraining: boolean; readonly isClosing: boolean }
}

/** Requests that wait to be stored or are being stored, two full batches; whoever comes then is told at once to come back later. */
const WAITING_MAX = 500
const LOG_EVERY_MS = 10_000
const SEND_PATH = '/v1/send'
/** So long a body is waited for before a refusal that ends its connection: what comes after the end resets the answer away. */
const BODY_BYTES_MAX = 65_536

function isSend({ method, url }: IncomingMessage): boolean {
  return method === 'POST' && url !== undefined && url.startsWith(SEND_PATH)
}

/**
 * Refuses sends that would only wait, before anything is done for them. What a refusal costs is taken from those that are
 * accepted: with the whole way to the full queue (key, body, checks, log), 1.5 times the load that could be carried left a
 * sixth of it. So this stands before the framework, answers with what was made beforehand, and when there are many has
 * another process do it (`refuser.ts`).
 */
export function shedLoad(
  server: Server,
  requestIds: (request: Pick<IncomingMessage, 'headers'>) => string,
  deps: Shedding,
  options: { unwatchedMax?: number } = {},
): {
  /** Connections that are open, also those that came from another process. */
  open(): number
  /** Whether the answer to this request should be the last of its connection. */
  isLast(request: IncomingMessage): boolean
  /** Resolves when this process listens itself, or in two seconds. */
  settle(): Promise<void>
  stop(): Promise<void>
} {
  const listeners = server.listeners('request')
  const refusals = createRefusals(requestIds)
  let loggedAt = Number.NEGATIVE_INFINITY
  const refuser = createRefuser(server, {
    waiting: deps.acceptor.waiting,
    stopping: deps.stopping,
    countRefused: deps.metrics.countShed,
    logger: deps.logger,
  })

  function count(): void {
    deps.metrics.countShed(1)
    refuser.onRefused()
    if (performance.now() - loggedAt <= LOG_EVERY_MS) return
    loggedAt = performance.now()
    deps.logger.warn({ waiting: deps.acceptor.waiting() }, 'overloaded: sends are refused')
  }

  const isOverloaded = () => deps.acceptor.waiting() >= WAITING_MAX
  const sockets = watchSockets(
    server,
    {
      isOverloaded: () => isOverloaded() && !deps.stopping.isClosing,
      mayEnd: refuser.mayEnd,
      onSurplus: refuser.prepare,
      refusal(send) {
        count()
        return refusals(send)
      },
    },
    options.unwatchedMax,
  )

  function answer(request: IncomingMessage, response: ServerResponse, isLast: boolean): void {
    const id = requestIds(request)
    const path = request.url?.split('?', 1)[0]?.slice(0, 500)
    const body = refusalBody(path ?? '', id)
    const fields = [
      'content-type',
      'application/problem+json',
      'content-length',
      `${Buffer.byteLength(body)}`,
    ]
    fields.push('cache-control', 'no-store', 'retry-after', '1', 'x-request-id', id)
    if (isLast) fields.push('connection', 'close')
    response.writeHead(503, fields).end(body)
  }

  function refuse(request: IncomingMessage, response: ServerResponse): void {
    count()
    const isShort = Number(request.headers['content-length'] ?? Number.NaN) <= BODY_BYTES_MAX
    if (isShort && sockets.mayEnd(request.socket)) {
      request.resume().once('end', () => answer(request, response, true))
    } else answer(request, response, deps.stopping.isClosing)
  }

  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    sockets.onRequest(request, response, isSend(request))
    if (isSend(request) && isOverloaded()) return refuse(request, response)
    for (const listener of listeners) listener(request, response)
  })
  return {
    open: sockets.open,
    // Before a request is there as a whole its connection cannot end: what comes later would reset the answer away.
    isLast: ({ complete, socket }) => complete && (refuser.isDetour(socket) || sockets.isDue(socket)),
    settle: refuser.settle,
    stop: refuser.stop,
  }
}
