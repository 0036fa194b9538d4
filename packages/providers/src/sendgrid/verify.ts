import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { headerOf, isFresh, refused, secondsToMs } from '../lib/hook-checks.ts'
import type { Hook, HookVerdict } from '../provider.ts'

/** SendGrid repeats an event for 24 hours, and does not say whether each attempt gets a new signature. A replay changes nothing: events have ids. */
const ageMsMax = 25 * 3_600_000

export type SendgridSecrets = { public_key: string }

export const sendgridSecrets: z.ZodType<SendgridSecrets> = z.strictObject({
  public_key: z
    .string()
    .max(400)
    .refine((text) => toKey(text) !== null, 'must be a public key for P-256, in base64')
    .describe('Verification key of the event webhook, as its settings show it'),
})

/**
 * ECDSA over the time and the raw body:
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
export function verifySendgrid(hook: Hook, secrets: readonly SendgridSecrets[], now: Date): HookVerdict {
  const time = headerOf(hook, 'x-twilio-email-event-webhook-timestamp')
  const signature = headerOf(hook, 'x-twilio-email-event-webhook-signature')
  if (time === undefined || signature === undefined) return refused('the signature is missing')
  if (!isFresh(secondsToMs(time), now, ageMsMax)) return refused('the signature is too old')
  const signed = Buffer.concat([Buffer.from(time), hook.body])
  const isRight = secrets.some(({ public_key }) => {
    const key = toKey(public_key)
    return key !== null && verify('sha256', signed, key, Buffer.from(signature, 'base64'))
  })
  return isRight ? { kind: 'verified' } : refused('the signature is wrong')
}

function toKey(base64: string): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' })
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null
  } catch {
    return null
  }
}
