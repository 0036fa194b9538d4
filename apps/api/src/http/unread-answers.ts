import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** How long an answer may wait without a byte being read. */
export const UNREAD_MS_MAX = 15_000

/**
 * Closes connections whose answers are not read, on every route: otherwise these answers stay in memory forever. Node reports a
 * time-out when no byte was received or sent for that long; while a handler works there is nothing to read, and the handler continues.
 * Node leaves idle connections to this listener too, once their keep-alive time has passed: they are closed as it would have done.
 */
export function closeUnreadAnswers(server: Server, unreadMsMax = UNREAD_MS_MAX): void {
  const waiting = new WeakMap<Socket, number>()
  server.on('request', ({ socket }, response) => {
    waiting.set(socket, (waiting.get(socket) ?? 0) + 1)
    response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1))
  })
  server.setTimeout(unreadMsMax, (socket: Socket) => {
    // A connection without a request so far has its own limit, and gets an answer after it.
    if (socket.writableLength > 0 || waiting.get(socket) === 0) socket.destroy()
  })
}
