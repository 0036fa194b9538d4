import type { Socket } from 'node:net'
import { Problem, type ProblemCode } from '@lettergate/contracts/problems'
import { problemDetails } from './problem-details.ts'

/** What Node's parser and timers refuse before there is a request. */
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
export function endWithProblem(socket: Socket, problem: Problem): void {
  if (!socket.writable) return void socket.destroy()
  const body = JSON.stringify(problemDetails(problem))
  socket.end(
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status] ?? 'Error'}\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  )
}

/** Answers requests that cannot be read, in the shape of every other refusal. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET') return void socket.destroy()
  endWithProblem(socket, new Problem(CODES[error.code ?? ''] ?? 'malformed-request'))
}
