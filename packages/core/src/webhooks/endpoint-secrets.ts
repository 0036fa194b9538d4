import { newWebhookSecret } from '@lettergate/contracts/webhooks/sign-webhook'
import { z } from 'zod'

/** How long calls are also signed with the secret before, so that receivers can be changed meanwhile. */
export const PREVIOUS_VALID_MS = 24 * 3_600_000
/** Former secrets at most: each is a signature of every call. */
const PREVIOUS_MAX = 9

/** Sealed with an endpoint. Secrets: the newest first; `until`: the end of one that was replaced. */
export const EndpointSecrets = z.object({
  secrets: z.array(z.object({ secret: z.string(), until: z.iso.datetime().optional() })).min(1),
  headers: z.record(z.string(), z.string()).default({}),
})
export type EndpointSecrets = z.output<typeof EndpointSecrets>

export function newSecrets(headers: Record<string, string> = {}): EndpointSecrets {
  return { secrets: [{ secret: newWebhookSecret() }], headers }
}

/** The secrets that calls are signed with now. */
export function validSecrets({ secrets }: EndpointSecrets, now: number): string[] {
  return secrets.flatMap(({ secret, until }) => (!until || Date.parse(until) > now ? [secret] : []))
}

/**
 * A new secret in front; the one before is good for another day. Older ones stay for the rest of their day: after a rotation whose answer was
 * lost and that was repeated, receivers still verify with the one that they have.
 */
export function rotateSecrets({ secrets, headers }: EndpointSecrets, now: number): EndpointSecrets {
  const until = new Date(now + PREVIOUS_VALID_MS).toISOString()
  const previous = secrets
    .filter((one) => !one.until || Date.parse(one.until) > now)
    .map(({ secret, until: ends = until }) => ({ secret, until: ends }))
  return { secrets: [{ secret: newWebhookSecret() }, ...previous.slice(0, PREVIOUS_MAX)], headers }
}
