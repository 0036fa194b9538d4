import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const SANE = /^[\w.:/+=-]{1,128}$/

/**
 * Makes the ids by which a request is found in the logs: the caller's own `X-Request-Id` if it is harmless, else one
 * that is unique by a random part per process and a count. It protects nothing, so it need not be random each time.
 */
export function createRequestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = `req_${randomBytes(8).toString('hex')}`
  let count = 0
  return (request) => {
    const given = request.headers['x-request-id']
    if (typeof given === 'string' && SANE.test(given)) return given
    count++
    return `${prefix}${count.toString(36).padStart(6, '0')}`
  }
}
