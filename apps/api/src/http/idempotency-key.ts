import { Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyRequest } from 'fastify'

/** Printable ASCII without the space at either end: what every client and log can carry unchanged. */
const ALLOWED = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/

/** The request's Idempotency-Key, or null when it has none; throws when it has one that cannot be used. */
export function idempotencyKey(request: FastifyRequest): string | null {
  const joined = request.raw.headers['idempotency-key']
  if (joined === undefined) return null
  // Node joins repeated fields by a comma, which a key may contain too.
  const values = request.raw.headersDistinct['idempotency-key'] ?? []
  const [key] = values
  if (values.length !== 1 || key === undefined || !ALLOWED.test(key))
    throw new Problem('idempotency-key-invalid')
  return key
}
