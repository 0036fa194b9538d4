import * as field from '@lettergate/contracts/lib/fields'
import type { IdPrefix } from '@lettergate/contracts/lib/ids'
import { ProblemDetails } from '@lettergate/contracts/messages/responses'
import { z } from 'zod'

/** Kinds of ids in paths, and what each names. */
const THINGS = {
  msg: 'message',
  con: 'connection',
  rte: 'route',
  smc: 'login',
  ten: 'tenant',
  end: 'endpoint',
  job: 'job',
  dom: 'domain',
  key: 'key',
  inr: 'route',
  mbx: 'mailbox',
  inb: 'mail',
} satisfies Partial<Record<IdPrefix, string>>

export type PathIdPrefix = keyof typeof THINGS

/** An id in a path. One of any other shape is one that does not exist. */
export const idParam = (prefix: PathIdPrefix) => field.id(prefix, `Id of the ${THINGS[prefix]}.`)

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

/** An answer of a route that is a file. */
export function fileAnswer(type: string, description: string, content: string) {
  return { description, content: { [type]: { schema: z.string().describe(content) } } }
}

/** An answer of a route without a body. */
export function nothing(description: string) {
  return z.null().describe(description)
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
