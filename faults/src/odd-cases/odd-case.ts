import { createConnection, createTenant } from '../gateway.ts'
import type { Stack } from '../stack.ts'
import type { OddServer } from './odd-server.ts'

/** Where a case does its deed: a tenant of its own beside those that are measured. */
export type OddPlace = { stack: Stack; apiKey: string; server: OddServer }

/** One way in or out, and one shape that is as large or as odd as it may be. */
export type OddCase = {
  /** "GET /v1/messages/:id/raw" for a route, "ses" for a provider; what a new one must have a case of. */
  way: string
  shape: string
  /** Done once, before anything is measured. */
  prepare?(place: OddPlace): Promise<void>
  /** Done again and again while the others are measured; how it ends is not judged. */
  deed(place: OddPlace): Promise<unknown>
}

/** A tenant for one case, so that none finds what another has left. */
export async function placeFor(stack: Stack, server: OddServer): Promise<OddPlace> {
  const { apiKey } = await createTenant(stack.env, 100_000)
  return { stack, apiKey, server }
}

export type Called = { status: number; body: string }

/** A request of the odd tenant. */
export async function call(
  { stack, apiKey }: OddPlace,
  method: string,
  path: string,
  body?: string,
): Promise<Called> {
  const response = await fetch(`${stack.apiUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(30_000),
  })
  return { status: response.status, body: await response.text() }
}

/** The id that an answer gives. */
export function idOf({ status, body }: Called): string {
  const found: { id?: string } = JSON.parse(body)
  if (found.id === undefined) throw new Error(`no id in an answer of ${status}: ${body.slice(0, 200)}`)
  return found.id
}

export function connect(
  { stack, apiKey }: OddPlace,
  provider: string,
  credentials: object,
  settings: object,
): Promise<string> {
  return createConnection(stack.apiUrl, apiKey, { provider, credentials, settings })
}

/** A message in JSON. */
export function mail(fields: object = {}): string {
  return JSON.stringify({
    from: 'odd@acme.example',
    to: ['user@example.net'],
    subject: 'Odd',
    text: 'Hello',
    ...fields,
  })
}

export const LARGE_FILE = {
  filename: 'large.bin',
  content: Buffer.alloc(20 * 1024 * 1024, 'Lettergate ').toString('base64'),
}
