import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** So long an answer may wait without a byte of it being read. */
export const UNREAD_MS_MAX = 15_000

/**
 * Closes connections whose answers nobody reads, whatever the route: else what waits for them stays in memory for ever. Node calls it
 * a time-out when nothing came and nothing left for that long; while a handler works there is nothing to read, and it may go on.
 */
export function closeUnreadAnswers(server: Server, unreadMsMax = UNREAD_MS_MAX): void {
  server.setTimeout(unreadMsMax, (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy()
  })
}
