import { request } from 'node:http'
import { createConnection, createTenant } from '../gateway.ts'
import type { Stack } from '../stack.ts'
import type { OddServer } from './odd-server.ts'

/** The place of a case: its own tenant beside the measured ones. */
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

/** Characters of an answer that are kept: the rest is read and thrown away, as cheaply as can be. */
const KEPT_CHARS = 64 * 1024
const CALL_MS_MAX = 30_000

/** A request of the odd tenant. A large body is given as bytes, which are sent without a copy. */
export function call(
  { stack, apiKey }: OddPlace,
  method: string,
  path: string,
  body?: string | Buffer,
): Promise<Called> {
  const { promise, resolve, reject } = Promise.withResolvers<Called>()
  const headers = {
    authorization: `Bearer ${apiKey}`,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  }
  const asked = request(`${stack.apiUrl}${path}`, {
    method,
    headers,
    signal: AbortSignal.timeout(CALL_MS_MAX),
  })
  asked.on('error', reject).on('response', (response) => {
    const kept: Buffer[] = []
    let length = 0
    response.on('error', reject)
    response.on('data', (chunk: Buffer) => {
      if (length < KEPT_CHARS) kept.push(chunk)
      length += chunk.length
    })
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(kept).toString() }),
    )
  })
  asked.end(body)
  return promise
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

const LARGE_FILE = {
  filename: 'large.bin',
  content: Buffer.alloc(20 * 1024 * 1024, 'Lettergate ').toString('base64'),
}

/** Waits for a day: it is read, not sent. */
export const later = () => new Date(Date.now() + 86_400_000).toISOString()

const largeMails = new Map<boolean, Buffer>()

/** A message with a file of 20 MB, written once: making it again and again would measure this process. */
export function largeMail(isLater = false): Buffer {
  const made =
    largeMails.get(isLater) ??
    Buffer.from(mail({ attachments: [LARGE_FILE], ...(isLater ? { send_at: later() } : {}) }))
  largeMails.set(isLater, made)
  return made
}
