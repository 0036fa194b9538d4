import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** How long an answer may wait without a byte being read. */
export const UNREAD_MS_MAX = 15_000

/**
 * Closes connections whose answers nobody reads, whatever the route: else what waits for them stays in memory for ever. Node calls it
 * a time-out when nothing came and nothing left for that long; while a handler works there is nothing to read, and it may go on.
 * Node leaves idle connections to this listener too, once their keep-alive time has passed: they are closed as it would have done.
 */
export function closeUnreadAnswers(server: Server, unreadMsMax = UNREAD_MS_MAX): void {
  const waiting = new WeakMap<Socket, number>()
  server.on('request', ({ socket }, response) => {
    waiting.set(socket, (waiting.get(socket) ?? 0) + 1)
    response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1))
  })
  server.setTimeout(unreadMsMax, (socket: Socket) => {
    // A connection that has asked nothing yet has a bound of its own, and an answer when that has passed.
    if (socket.writableLength > 0 || waiting.get(socket) === 0) socket.destroy()
  })
}
