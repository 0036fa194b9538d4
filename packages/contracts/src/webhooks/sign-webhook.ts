import { createHmac, randomBytes } from 'node:crypto'

const prefix = 'whsec_'
const secretBytes = 32
/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme */
const secretBytesMin = 24
const secretBytesMax = 64

/** One callback, as it is signed. */
export type WebhookToSign = {
  /** The same on every retry; without a dot, which separates what is signed. */
  id: string
  /** Of this try. */
  at: Date
  /** The bytes that are sent: they must not be serialised again after signing. */
  body: string | Buffer
}

export type WebhookHeaders = {
  'webhook-id': string
  'webhook-timestamp': string
  'webhook-signature': string
}

/** A new secret of an endpoint: `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(): string {
  return prefix + randomBytes(secretBytes).toString('base64')
}

/** True for `whsec_` and the base64 of 24 to 64 bytes, and for nothing else. */
export function isWebhookSecret(text: string): boolean {
  const key = keyOf(text)
  return key !== null && text === prefix + key.toString('base64')
}

/** Signs one try of a callback by Standard Webhooks, once with each secret: two are valid while one replaces the other. */
export function signWebhook({ id, at, body }: WebhookToSign, secrets: readonly string[]): WebhookHeaders {
  if (!/^[\x21-\x7e]{1,256}$/.test(id) || id.includes('.'))
    throw new TypeError('not an id that can be signed')
  if (secrets.length === 0) throw new TypeError('nothing to sign with')
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signatures = secrets.map((secret) => {
    const key = keyOf(secret)
    if (key === null) throw new TypeError('not a secret of a webhook')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}

function keyOf(secret: string): Buffer | null {
  if (!secret.startsWith(prefix)) return null
  const key = Buffer.from(secret.slice(prefix.length), 'base64')
  return key.length >= secretBytesMin && key.length <= secretBytesMax ? key : null
}
