import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { credentialsOf, type SesCredentials, type SesSettings, settings } from './account.ts'
import { sesEndpoint } from './endpoint.ts'
import { createSesEvents } from './event-source.ts'
import { createIdentities, type EnvironmentKeys } from './identity.ts'

/** Amazon SES, API v2, with the whole message as raw MIME. */
export function createSes(environment?: EnvironmentKeys): Provider<SesCredentials, SesSettings> {
  const identities = createIdentities(environment)
  return {
    id: 'ses',
    description: 'Amazon SES, API v2, raw content.',
    credentials: credentialsOf(environment !== undefined),
    settings,
    // https://docs.aws.amazon.com/ses/latest/dg/quotas.html
    capabilities: {
      recipientsMax: 50,
      orders: ['x-ses-'],
      rawMime: { recipients: 'envelope', eightBit: true },
      localParts: 'dots',
      messageBytesMax: 40 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 49,
      metadata: false,
      tellsLimits: true,
    },
    targets: (chosen) => [
      urlTarget(sesEndpoint(chosen)),
      ...[chosen.sts_url, chosen.sns_url].flatMap((url) => (url === undefined ? [] : [urlTarget(url)])),
    ],
    // The SDK takes 30 MB of memory once it is loaded, and an api that never checks a connection to SES needs none of it.
    async send(message, connection, io) {
      const { sendBySes } = await import('./send.ts')
      return sendBySes(message, connection, identities, io)
    },
    events: createSesEvents(identities),
    async check(connection, io) {
      const { checkSes } = await import('./check.ts')
      return checkSes(connection, identities, io)
    },
  }
}
