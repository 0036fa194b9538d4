import * as field from '@lettergate/contracts/lib/fields'
import type { IdPrefix } from '@lettergate/contracts/lib/ids'
import { ProblemDetails } from '@lettergate/contracts/messages/responses'
import { z } from 'zod'

/** Path of everything under one thing. An id of any other shape is one that does not exist. */
export function idPath(thing: string, prefix: IdPrefix) {
  return z.object({ id: field.id(prefix, `Id of the ${thing}.`) })
}

export const MessagePath = idPath('message', 'msg')
export const ConnectionPath = idPath('connection', 'con')
export const RoutePath = idPath('route', 'rte')
export const SmtpCredentialPath = idPath('login', 'smc')
export const TenantPath = idPath('tenant', 'ten')
export const EndpointPath = idPath('endpoint', 'end')
export const JobPath = idPath('job', 'job')
export const DomainPath = idPath('domain', 'dom')
export const KeyPath = idPath('key', 'key')

/** Described for the reference; the plugin reads the field itself. */
export const IdempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .meta({
      description:
        'Your own key for this request, up to 255 printable ASCII characters. A repeat within 24 hours with the same ' +
        'key and the same JSON value gets the first answer again, and nothing is sent twice.',
      examples: ['order-4711-receipt'],
    })
    .optional(),
})

const PROBLEMS: Record<number, string> = {
  400: 'The request is not readable.',
  401: 'There is no valid API key in the request.',
  403: 'The key does not allow this.',
  404: 'It does not exist, or it is not yours.',
  409: 'The present state does not allow this.',
  414: 'The address is too long.',
  410: 'It is deleted.',
  413: 'The body is too large.',
  415: 'The body is not plain UTF-8 JSON.',
  422: 'Some values are missing or not allowed.',
  429: 'A limit is reached; Retry-After says when to repeat the request.',
  503: 'The gateway cannot take the request now; Retry-After says when to repeat the request.',
}

/** A JSON answer of a route, with what it means there. */
export function answer<S extends z.ZodType>(description: string, schema: S) {
  return { description, content: { 'application/json': { schema } } }
}

/** The error answers of a route, for the reference. */
export function problemAnswers(...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: PROBLEMS[status] ?? 'A problem.',
        content: { 'application/problem+json': { schema: ProblemDetails } },
      },
    ]),
  )
}
