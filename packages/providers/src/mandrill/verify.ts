import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { headerOf, isSameText, refused } from '../lib/hook-checks.ts'
import { type Secret, secret } from '../lib/secret.ts'
import type { Hook, HookVerdict } from '../provider.ts'
import { formFields } from './form-fields.ts'

export type MandrillSecrets = { auth_key: Secret }

export const mandrillSecrets: z.ZodType<MandrillSecrets> = z.strictObject({
  auth_key: secret('Key of the webhook, as its settings show it', /^[\x21-\x7e]{8,}$/),
})

/**
 * HMAC-SHA1 over the URL and the sorted fields of the form:
 * https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests
 * It holds no time, so a replay is known by its events alone. Mandrill tests a URL with an empty list, before a key exists.
 */
export function verifyMandrill(hook: Hook, secrets: readonly MandrillSecrets[]): HookVerdict {
  const fields = formFields(hook.body)
  if (fields.length === 1 && fields[0]?.[0].toString() === 'mandrill_events' && isEmptyList(fields[0][1]))
    return { kind: 'probe' }
  const signature = headerOf(hook, 'x-mandrill-signature')
  if (signature === undefined) return refused('the signature is missing')
  const sorted = fields.toSorted(([one], [other]) => one.compare(other)).flat()
  const isRight = secrets.some(({ auth_key }) => {
    const hmac = createHmac('sha1', auth_key.reveal()).update(hook.url)
    for (const text of sorted) hmac.update(text)
    return isSameText(signature, hmac.digest('base64'))
  })
  return isRight ? { kind: 'verified' } : refused('the signature is wrong')
}

function isEmptyList(value: Buffer): boolean {
  return value.length < 10 && value.toString().trim() === '[]'
}
