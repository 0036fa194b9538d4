import type { Socket } from 'node:net'

/** Writes a piece at a time until there is none, or the reader is gone. */
export function inSteps(socket: Socket, everyMs: number, piece: (step: number) => string): void {
  let step = 0
  const timer = setInterval(() => {
    const text = piece(step++)
    if (text === '' || !socket.writable) clearInterval(timer)
    else socket.write(text)
  }, everyMs)
  socket.once('close', () => clearInterval(timer))
}
