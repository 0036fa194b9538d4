import { newWebhookSecret } from '@lettergate/contracts/webhooks/sign-webhook'
import { z } from 'zod'

/** How long calls are also signed with the secret before, so that receivers can be changed meanwhile. */
export const PREVIOUS_VALID_MS = 24 * 3_600_000

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

/** A new secret in front; the one before is good for another day, and older ones end. */
export function rotateSecrets({ secrets, headers }: EndpointSecrets, now: number): EndpointSecrets {
  const until = new Date(now + PREVIOUS_VALID_MS).toISOString()
  const [current] = secrets
  const previous = current ? [{ secret: current.secret, until }] : []
  return { secrets: [{ secret: newWebhookSecret() }, ...previous], headers }
}
