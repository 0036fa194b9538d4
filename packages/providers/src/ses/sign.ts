import { createHmac, hash } from 'node:crypto'
import type { SesCredentials } from './index.ts'

type SigningKey = { scope: string; key: Buffer }

const ALGORITHM = 'AWS4-HMAC-SHA256'
const SERVICE = 'ses'
const CONTENT_TYPE = 'application/json'

/** A key holds for a day, a region and a secret: derived once a day for each opened connection. */
const keys = new WeakMap<SesCredentials, SigningKey>()

function signingKey(credentials: SesCredentials, day: string, region: string): SigningKey {
  const scope = `${day}/${region}/${SERVICE}/aws4_request`
  const known = keys.get(credentials)
  if (known?.scope === scope) return known
  const key = [day, region, SERVICE, 'aws4_request'].reduce<Buffer>(
    hmac,
    Buffer.from(`AWS4${credentials.secret_access_key.reveal()}`),
  )
  const made = { scope, key }
  keys.set(credentials, made)
  return made
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/**
 * The header fields of a request, signed by Signature Version 4:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * `path` must be normal already: unreserved characters and slashes only. So must `query`: encoded, and sorted by name.
 */
export function signedHeaders(
  request: {
    method: 'GET' | 'POST'
    host: string
    path: string
    query?: string
    /** SHA-256 of the body, in hexadecimal. */
    bodyHash: string
    region: string
  },
  credentials: SesCredentials,
  now: Date,
): Record<string, string> {
  const date = now.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const token = credentials.session_token?.reveal()
  const names =
    token === undefined ? 'content-type;host;x-amz-date' : 'content-type;host;x-amz-date;x-amz-security-token'
  const canonical = [
    request.method,
    request.path,
    request.query ?? '',
    `content-type:${CONTENT_TYPE}`,
    `host:${request.host}`,
    `x-amz-date:${date}`,
    ...(token === undefined ? [] : [`x-amz-security-token:${token}`]),
    '',
    names,
    request.bodyHash,
  ].join('\n')
  const { scope, key } = signingKey(credentials, date.slice(0, 8), request.region)
  const signature = createHmac('sha256', key)
    .update(`${ALGORITHM}\n${date}\n${scope}\n${hash('sha256', canonical)}`)
    .digest('hex')
  return {
    'content-type': CONTENT_TYPE,
    host: request.host,
    'x-amz-date': date,
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
    authorization: `${ALGORITHM} Credential=${credentials.access_key_id.reveal()}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  }
}
