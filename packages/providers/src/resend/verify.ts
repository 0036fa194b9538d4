import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { headerOf, isFresh, isSameText, refused, secondsToMs } from '../lib/hook-checks.ts'
import { type Secret, secret } from '../lib/secret.ts'
import type { Hook, HookVerdict } from '../provider.ts'

/** A rotation at Resend signs with both secrets for a while; each signature is compared with each of ours. */
const signaturesMax = 10

/** Each attempt has a new signature. */
const ageMsMax = 300_000

export type ResendSecrets = { signing_secret: Secret }

export const resendSecrets: z.ZodType<ResendSecrets> = z.strictObject({
  signing_secret: secret(
    'Signing secret of the webhook, such as whsec_…',
    /^whsec_[A-Za-z0-9+/]{16,}={0,2}$/,
  ),
})

/** HMAC-SHA256 over id, time and raw body, by Svix: https://docs.svix.com/receiving/verifying-payloads/how-manual */
export function verifyResend(hook: Hook, secrets: readonly ResendSecrets[], now: Date): HookVerdict {
  const [id, time, signatures] = ['id', 'timestamp', 'signature'].map(
    (name) => headerOf(hook, `svix-${name}`) ?? headerOf(hook, `webhook-${name}`),
  )
  if (!id || !time || !signatures) return refused('the signature is missing')
  if (!isFresh(secondsToMs(time), now, ageMsMax)) return refused('the signature is too old')
  const given = signatures.split(' ', signaturesMax)
  const isRight = secrets.some(({ signing_secret }) => {
    const key = Buffer.from(signing_secret.reveal().slice('whsec_'.length), 'base64')
    const own = `v1,${createHmac('sha256', key).update(`${id}.${time}.`).update(hook.body).digest('base64')}`
    return given.some((signature) => isSameText(signature, own))
  })
  return isRight ? { kind: 'verified' } : refused('the signature is wrong')
}
