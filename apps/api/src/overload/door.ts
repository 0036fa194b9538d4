import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Connections that the kernel holds until they are taken; it allows 4,096 by itself (net.core.somaxconn), Node asks for 511. */
export const BACKLOG = 4_096

/** Where another process of ours passes its connections on, each with the address of its client in a line before all else. */
export type Door = { path: string; close(): Promise<void> }

/** Opens a door to a server, in a folder that nobody else may enter. */
export async function openDoor(server: Server, onSocket: (socket: Socket) => void): Promise<Door> {
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-api-'))
  const path = join(folder, 'joined')
  // Half open as the connections that the server takes itself.
  const door = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (chunk: Buffer) => {
      socket.pause()
      const end = chunk.indexOf('\n')
      Object.defineProperty(socket, 'remoteAddress', { value: chunk.toString('latin1', 0, end) })
      onSocket(socket)
      server.emit('connection', socket)
      socket.unshift(chunk.subarray(end + 1))
      socket.resume()
    })
  })
  await new Promise<void>((resolve, reject) =>
    door.once('error', reject).listen({ path, backlog: BACKLOG }, resolve),
  )
  return {
    path,
    async close() {
      door.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
