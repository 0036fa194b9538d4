import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Problem, type ProblemCode } from '@lettergate/contracts/problems/problems'
import { problemDetails } from './problem-details.ts'

/** Errors of Node's parser and timers, before there is a request. */
const CODES: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_INVALID_METHOD: 'method-not-allowed',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}
const REASONS: Record<number, string> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** Writes a whole answer to a socket that Node's HTTP layer has given up on, and hangs up. */
function endWithProblem(socket: Socket, problem: Problem): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = JSON.stringify(problemDetails(problem))
  socket.end(
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status] ?? 'Error'}\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  )
}

/** The parser calls everything an unknown method that does not begin with a known one: only a request line has one. */
function isRequestLine(packet: unknown): boolean {
  return (
    Buffer.isBuffer(packet) && /^[\w!#$%&'*+.^`|~-]+ \S+ HTTP\/1/.test(packet.toString('latin1', 0, 8_192))
  )
}

/** Answers requests that cannot be read, in the shape of every other refusal. */
export function answerBrokenRequest(
  error: Error & { code?: string; rawPacket?: unknown },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const code = CODES[error.code ?? ''] ?? 'malformed-request'
  const isNoise = code === 'method-not-allowed' && !isRequestLine(error.rawPacket)
  endWithProblem(socket, new Problem(isNoise ? 'malformed-request' : code))
}

/** Answers what Node keeps from ordinary handlers: tunnels, and expectations that HTTP lets a server ignore. */
export function answerUnusualRequests(server: Server): void {
  server.on('connect', (_request, socket: Socket) => {
    endWithProblem(socket, new Problem('method-not-allowed'))
    // Node has released the socket: nothing else would close it, not even when the process stops.
    socket.destroySoon()
  })
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
}
