import type { Socket } from 'node:net'
import { answer, answerHead } from './fake-provider-wire.ts'
import { inSteps } from './in-steps.ts'
import type { ProviderFault } from './provider-fault.ts'

const CHUNK = 'x'.repeat(65_536)
const HEADER_LINE = 'x'.repeat(1_000)

/** Does to a request that was read what the fault says. `take` puts the mail into the ledger and gives the answer for it. */
export function misbehave(fault: ProviderFault, socket: Socket, take: () => string): void {
  if ('taken' in fault && fault.taken) take()
  switch (fault.kind) {
    case 'status':
      answer(socket, fault.status, fault.body ?? '{"message":"scripted"}', fault.headers)
      break
    case 'delay': {
      const body = take()
      setTimeout(() => answer(socket, 200, body), fault.delayMs)
      break
    }
    case 'no-answer':
      break
    case 'reset-on-connect':
    case 'reset-before-body':
    case 'reset-after-body':
      socket.resetAndDestroy()
      break
    case 'half-close':
      socket.end()
      break
    case 'truncated-answer': {
      const body = take()
      socket.end(answerHead(200, body.length + 100) + body)
      break
    }
    case 'broken-json':
      answer(socket, 200, take().slice(0, -4))
      break
    case 'not-http':
      take()
      socket.end('220 mail.example ESMTP\r\n')
      break
    case 'drip': {
      const body = take().padEnd(fault.bytes ?? 0)
      socket.write(answerHead(200, body.length))
      inSteps(socket, fault.everyMs, (step) => body.charAt(step))
      break
    }
    case 'huge-answer':
      pour(socket, take().replace('}', ',"Padding":"'), fault)
      break
    case 'huge-headers': {
      take()
      const lines = Array.from({ length: Math.ceil(fault.bytes / HEADER_LINE.length) }, (_, at) => at)
      socket.write(
        `HTTP/1.1 200 Fake\r\n${lines.map((at) => `X-Pad-${at}: ${HEADER_LINE}\r\n`).join('')}\r\n`,
      )
      break
    }
    case 'endless-headers':
      take()
      socket.write('HTTP/1.1 200 Fake\r\n')
      inSteps(socket, fault.everyMs, (step) => `X-${step}: y\r\n`)
  }
}

/** A JSON object with a very long last text, written only as fast as it is read. */
function pour(
  socket: Socket,
  start: string,
  { bytes, chunked = false }: { bytes: number; chunked?: boolean },
): void {
  const frame = (text: string) => (chunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text)
  const end = '"}'
  socket.write(answerHead(200, chunked ? undefined : start.length + bytes + end.length) + frame(start))
  let left = bytes
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      const text = left >= CHUNK.length ? CHUNK : CHUNK.slice(0, left)
      left -= text.length
      if (!socket.write(frame(text))) return
    }
    if (left > 0 || socket.destroyed) return
    left = -1
    socket.off('drain', more)
    socket.write(frame(end) + (chunked ? '0\r\n\r\n' : ''))
  }
  socket.on('drain', more)
  more()
}
