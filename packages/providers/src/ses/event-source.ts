import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { registration, type SesCredentials, type SesRegistration, type SesSettings } from './account.ts'
import { createCertificates } from './certificates.ts'
import { parseSes } from './events.ts'
import type { Identities } from './identity.ts'
import { type SesSecrets, sesSecrets, verifySes } from './verify.ts'

/** Events of a configuration set, by a topic of SNS. */
export function createSesEvents(
  identities: Identities,
): EventSource<SesCredentials, SesSettings, SesSecrets, SesRegistration> {
  const certificates = createCertificates()
  return {
    kinds: kindsBut('accepted'),
    proof: 'signature',
    // SNS carries 256 kB, in JSON within JSON.
    bodyBytesMax: 1_000_000,
    secrets: sesSecrets,
    registration,
    verify: (hook, secrets, io) => verifySes(hook, secrets, certificates, io),
    parse: ({ body }, receivedAt) => [parseSes(body, receivedAt)],
    steps: ({ url }) => [
      'In Amazon SNS, in the region of the connection, create a standard topic, and allow ses.amazonaws.com to publish to it.',
      'Store the ARN of the topic in the secrets of this connection’s events.',
      `Create a subscription of the topic with the protocol HTTPS and the endpoint ${url}, without raw message delivery.`,
      'In Amazon SES, add an event destination with this topic and all events to the configuration set that the settings name.',
    ],
    async register(connection, target, io) {
      const { registerSes } = await import('./register.ts')
      return registerSes(connection, target, identities, io)
    },
    async unregister(connection, made, io) {
      const { unregisterSes } = await import('./register.ts')
      return unregisterSes(connection, made, identities, io)
    },
    async retire(connection, made, io) {
      const { unsubscribeSes } = await import('./register.ts')
      return unsubscribeSes(connection, made, identities, io)
    },
  }
}
