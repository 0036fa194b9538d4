import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { readWholeSend, type WholeSend } from './whole-send.ts'

/** Node closes a connection on which its parser has seen nothing for ten seconds: one request goes its way before. */
const PARSER_IDLE_MS_MAX = 5_000

type Watched = {
  /** Between two requests: whatever was read has been answered. */
  isIdle: boolean
  /** Every read so far was exactly one request, so the next one begins where a read begins. */
  isPlain: boolean
  parsedAt: number
}

/**
 * So many connections are never watched: each has one request under way at most, so that they alone cannot overload. It is
 * those beyond that make more requests wait than the acceptor lets.
 */
const UNWATCHED_MAX = 256

/**
 * Answers sends under overload without parsing them: measured, a refusal by way of Node's parser costs 40 µs of the core that
 * accepting needs. Only while nothing about a connection is in doubt: it was watched from its first byte, every read was one
 * whole request, and nothing is under way. Else two readers of one stream could disagree about where a request begins.
 */
export function watchSockets(
  server: Server,
  shedding: { isOverloaded(): boolean; refusal(send: WholeSend): Buffer },
  unwatchedMax = UNWATCHED_MAX,
): {
  /** Told of each request that the parser has read. */
  onRequest(request: IncomingMessage, response: ServerResponse): void
} {
  const watched = new WeakMap<Socket, Watched>()
  let open = 0

  function onRead(socket: Socket, state: Watched, chunk: Buffer, parse: () => void): void {
    const send = state.isPlain && state.isIdle ? readWholeSend(chunk) : null
    if (!send) state.isPlain = false
    else if (shedding.isOverloaded() && performance.now() - state.parsedAt < PARSER_IDLE_MS_MAX) {
      socket.write(shedding.refusal(send))
      return
    }
    state.isIdle = false
    state.parsedAt = performance.now()
    parse()
  }

  server.on('connection', (socket: Socket) => {
    open++
    socket.once('close', () => open--)
    if (open <= unwatchedMax) return
    const [parse, ...others] = socket.listeners('data')
    // Node's own listener, and none but it.
    if (parse === undefined || others.length > 0) return
    const state = { isIdle: true, isPlain: true, parsedAt: performance.now() }
    watched.set(socket, state)
    socket.removeAllListeners('data')
    socket.on('data', (chunk) => {
      if (typeof chunk !== 'string') onRead(socket, state, chunk, () => parse.call(socket, chunk))
    })
  })

  return {
    onRequest(request, response) {
      const state = watched.get(request.socket)
      if (!state) return
      response.once('close', () => {
        state.isIdle = request.complete
      })
    },
  }
}
