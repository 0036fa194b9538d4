import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { readSend, type WholeSend } from './read-send.ts'

/** Node closes a connection on which its parser has seen nothing for ten seconds: one request goes its way before. */
const PARSER_IDLE_MS_MAX = 5_000
/** While another process refuses, connections that are served change places with those that are refused. */
const TURN_MS = 10_000
/** Between two that do: those that come in their place are let in as there is room, not at once. */
const TURN_EVERY_MS = 50

type Watched = {
  openedAt: number
  /** One of those beyond the number that cannot overload, on which nothing but sends has come. */
  isSurplus: boolean
  /** Between two requests: whatever was read has been answered. */
  isIdle: boolean
  /** Every read so far was exactly one request, so the next one begins where a read begins. */
  isPlain: boolean
  parsedAt: number
}

/** Of answers that a client does not take. */
export const UNREAD_BYTES_MAX = 65_536

/**
 * So many connections are never refused unparsed, nor ended for it: each has one request under way at most, so that they alone
 * cannot overload. It is those beyond that make more requests wait than the acceptor lets.
 */
const UNWATCHED_MAX = 500

/**
 * Answers sends under overload without parsing them: measured, a refusal by way of Node's parser costs 40 µs of the core that
 * accepting needs. Only while nothing about a connection is in doubt: it was watched from its first byte, every read was one
 * whole request, and nothing is under way. Else two readers of one stream could disagree about where a request begins.
 */
export function watchSockets(
  server: Server,
  shedding: {
    isOverloaded(): boolean
    /** Whether a connection may end with its answer, since new ones are taken elsewhere. */
    mayEnd(): boolean
    /** Told of each connection beyond those that cannot overload. */
    onSurplus(): void
    refusal(send: WholeSend): Buffer
  },
  unwatchedMax = UNWATCHED_MAX,
): {
  /** Told of each request that the parser has read. */
  onRequest(request: IncomingMessage, response: ServerResponse, isSend: boolean): void
  /** Whether a refusal is to end this connection: its client is answered elsewhere when it opens the next. */
  mayEnd(socket: Socket): boolean
  /** Whether it has been served for as long as others were refused, and should end with its answer. */
  isDue(socket: Socket): boolean
  open(): number
} {
  const watched = new WeakMap<Socket, Watched>()
  let open = 0
  let turnedAt = 0

  function onRead(socket: Socket, state: Watched, chunk: Buffer, parse: () => void): void {
    const send = state.isPlain && state.isIdle ? readSend(chunk) : null
    if (send?.kind !== 'whole') state.isPlain = false
    else if (shedding.isOverloaded() && performance.now() - state.parsedAt < PARSER_IDLE_MS_MAX) {
      const isLast = send.isLast || (state.isSurplus && shedding.mayEnd())
      socket.write(shedding.refusal({ ...send, isLast }))
      if (isLast) socket.destroySoon()
      if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
      return
    }
    state.isIdle = false
    state.parsedAt = performance.now()
    parse()
  }

  server.on('connection', (socket: Socket) => {
    open++
    socket.once('close', () => open--)
    const now = performance.now()
    const isSurplus = open > unwatchedMax
    const state = { openedAt: now, isSurplus, isIdle: true, isPlain: true, parsedAt: now }
    watched.set(socket, state)
    if (!isSurplus) return
    shedding.onSurplus()
    const [parse, ...others] = socket.listeners('data')
    // Node's own listener, and none but it.
    if (parse === undefined || others.length > 0) return
    socket.removeAllListeners('data')
    socket.on('data', (chunk) => {
      if (typeof chunk !== 'string') onRead(socket, state, chunk, () => parse.call(socket, chunk))
    })
  })

  return {
    onRequest(request, response, isSend) {
      const state = watched.get(request.socket)
      if (!state) return
      if (!isSend) state.isSurplus = false
      response.once('close', () => {
        state.isIdle = request.complete
      })
    },
    mayEnd: (socket) => watched.get(socket)?.isSurplus === true && shedding.mayEnd(),
    isDue(socket) {
      const state = watched.get(socket)
      const now = performance.now()
      if (!shedding.mayEnd() || state === undefined) return false
      if (now - state.openedAt < TURN_MS || now - turnedAt < TURN_EVERY_MS) return false
      turnedAt = now
      return true
    },
    open: () => open,
  }
}
