import { Problem } from '@lettergate/contracts/problems/problems'
import { problemDetails } from '../http/problem-details.ts'
import { createRequestIds } from '../http/request-id.ts'
import type { WholeSend } from './read-send.ts'

/** Up to what differs from answer to answer. */
const BODY = JSON.stringify(
  problemDetails(
    new Problem('overloaded', {
      detail:
        'Too many requests wait to be stored. Nothing was accepted. Repeat the request after Retry-After.',
    }),
  ),
).slice(0, -1)

/** What a send is answered with that was not accepted because too many wait. */
export function refusalBody(path: string, requestId: string): string {
  return `${BODY},"instance":${JSON.stringify(path)},"request_id":"${requestId}"}`
}

/** Makes whole answers to sends that no parser has read. */
export function createRefusals(requestIds = createRequestIds()): (send: WholeSend) => Buffer {
  return ({ path, requestId, isLast }) => {
    const id = requestIds({ headers: { 'x-request-id': requestId } })
    const body = refusalBody(path, id)
    return Buffer.from(
      `HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\n` +
        `cache-control: no-store\r\nretry-after: 1\r\nx-request-id: ${id}\r\ndate: ${new Date().toUTCString()}\r\n` +
        `${isLast ? 'connection: close\r\n' : ''}\r\n${body}`,
      'latin1',
    )
  }
}
