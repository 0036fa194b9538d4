import type { Socket } from 'node:net'
import type { SmtpFault } from './fake-smtp-fault.ts'
import { inSteps } from './in-steps.ts'

const BLOCK_CHARS = 65_536

export function reply(socket: Socket, text: string, delayMs = 0): void {
  if (delayMs === 0) socket.write(`${text}\r\n`)
  else setTimeout(() => socket.writable && socket.write(`${text}\r\n`), delayMs)
}

/** Applies the fault to a step of a session; returns whether the session continues as usual. */
export function misbehave(socket: Socket, fault: SmtpFault, usual: string, take: () => void): boolean {
  switch (fault.kind) {
    case 'reply':
      reply(socket, fault.reply)
      if (fault.reply.startsWith('421')) socket.end()
      return false
    case 'delay':
      take()
      reply(socket, usual, fault.delayMs)
      return true
    case 'no-answer':
      return false
    case 'reset':
      socket.resetAndDestroy()
      return false
    case 'close':
      socket.end()
      return false
    case 'garbage':
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
      return false
    case 'drip': {
      take()
      const more = `${usual.slice(0, 3)}-and more\r\n`.repeat(fault.lines ?? 0)
      const text = `${more}${usual}\r\n`
      inSteps(socket, fault.everyMs, (step) => text.charAt(step))
      return true
    }
    case 'endless':
      pour(socket, fault.piece)
      return false
  }
}

/** Writes the same again and again, only as fast as it is read. */
function pour(socket: Socket, piece: string): void {
  const block = piece.repeat(Math.ceil(BLOCK_CHARS / piece.length))
  const more = () => {
    while (socket.writable) if (!socket.write(block)) return
  }
  socket.on('drain', more)
  more()
}
