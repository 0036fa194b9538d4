import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { objectIn, readRecord } from '../lib/event-records.ts'
import { isFresh, isSameText, refused, secondsToMs } from '../lib/hook-checks.ts'
import { type Secret, secret } from '../lib/secret.ts'
import type { Hook, HookVerdict } from '../provider.ts'

/** Mailgun repeats an event for 8 hours, and does not say whether each attempt gets a new signature. A replay changes nothing: events have ids. */
const ageMsMax = 9 * 3_600_000

export type MailgunSecrets = { signing_key: Secret }

export const mailgunSecrets: z.ZodType<MailgunSecrets> = z.strictObject({
  signing_key: secret('HTTP webhook signing key of the account', /^[\x21-\x7e]{8,}$/),
})

/**
 * HMAC-SHA256 over time and token, which are in the body: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
 * It does not cover the event itself, so the URL's token is the second half of the proof.
 */
export function verifyMailgun({ body }: Hook, secrets: readonly MailgunSecrets[], now: Date): HookVerdict {
  const { timestamp, token, signature } = objectIn(readRecord(body)?.signature)
  const time = typeof timestamp === 'number' ? String(timestamp) : timestamp
  if (typeof time !== 'string' || typeof token !== 'string' || typeof signature !== 'string')
    return refused('the signature is missing')
  if (!isFresh(secondsToMs(time), now, ageMsMax)) return refused('the signature is too old')
  const isRight = secrets.some(({ signing_key }) => {
    const own = createHmac('sha256', signing_key.reveal()).update(`${time}${token}`).digest('hex')
    return isSameText(signature, own)
  })
  return isRight ? { kind: 'verified' } : refused('the signature is wrong')
}
