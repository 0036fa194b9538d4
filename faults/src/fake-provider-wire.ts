import { createServer, type Server, type Socket } from 'node:net'

/** One request as it came. */
export type WireRequest = { method: string; path: string; head: string; body: Buffer; socket: Socket }

export type WireHandlers = {
  /** A connection was made. */
  onConnect(socket: Socket): void
  /** A head was read; false: its body is of no interest, the connection is dealt with. */
  onHead(head: string, socket: Socket): boolean
  onRequest(request: WireRequest): void
}

const END_OF_HEAD = '\r\n\r\n'
const LENGTH = /\r\ncontent-length:[ \t]*(\d+)/i

/**
 * HTTP/1.1 over plain sockets, as far as a fake needs it: bodies with a Content-Length, one request after another. It
 * costs 19 µs of processor time a request where node:http takes 34, which a benchmark would count as the gateway's own;
 * and a fault can put any bytes on the wire.
 */
export function createWireServer(handlers: WireHandlers): Server {
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    readRequests(socket, handlers)
    handlers.onConnect(socket)
  })
}

function readRequests(socket: Socket, handlers: WireHandlers): void {
  let chunks: Buffer[] = []
  let bytes = 0
  /** Of the request that is being read; undefined until its head is whole. */
  let current: { head: string; headBytes: number; bytes: number } | undefined

  const joined = (): Buffer => {
    const [first] = chunks
    const all = first && chunks.length === 1 ? first : Buffer.concat(chunks)
    chunks = [all]
    return all
  }
  const readHead = (): boolean => {
    const all = joined()
    const end = all.indexOf(END_OF_HEAD)
    if (end === -1) return false
    const head = all.toString('latin1', 0, end)
    const headBytes = end + END_OF_HEAD.length
    current = { head, headBytes, bytes: headBytes + Number(LENGTH.exec(head)?.[1] ?? 0) }
    return handlers.onHead(head, socket)
  }
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    while (bytes > 0) {
      if (!current && !readHead()) return
      if (!current || bytes < current.bytes) return
      const all = joined()
      const body = all.subarray(current.headBytes, current.bytes)
      const { head } = current
      chunks = bytes > current.bytes ? [all.subarray(current.bytes)] : []
      bytes -= current.bytes
      current = undefined
      const [method = '', path = ''] = head.slice(0, head.indexOf('\r\n')).split(' ', 2)
      handlers.onRequest({ method, path, head, body, socket })
    }
  })
}

/** A whole answer in one write. */
export function answer(
  socket: Socket,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  socket.write(answerHead(status, body.length, headers) + body, 'latin1')
}

/** The head of an answer; without a length, its body comes in chunks. */
export function answerHead(
  status: number,
  length: number | undefined,
  headers: Record<string, string> = {},
): string {
  let fields = ''
  for (const name in headers) fields += `${name}: ${headers[name]}\r\n`
  const size = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  return `HTTP/1.1 ${status} Fake\r\nContent-Type: application/json\r\nKeep-Alive: timeout=60\r\n${fields}${size}\r\n\r\n`
}
