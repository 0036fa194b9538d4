import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings, urlOf } from './account.ts'
import { checkSparkpost } from './check.ts'
import { sparkpostEvents } from './event-source.ts'
import { sendBySparkpost } from './send.ts'

/** SparkPost (Bird), with the whole message as raw MIME. */
export function createSparkpost(): Provider<Credentials, Settings> {
  return {
    id: 'sparkpost',
    description: 'SparkPost (Bird), raw content; US and EU.',
    credentials,
    settings,
    // https://developers.sparkpost.com/api/transmissions/
    capabilities: {
      // It takes the mail as text.
      rawMime: { recipients: 'envelope', eightBit: false },
      recipientsMax: 1000,
      orders: ['x-msys-', 'x-sparkpost-'],
      localParts: 'plain',
      messageBytesMax: 20 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 1,
      metadata: true,
      tellsLimits: true,
    },
    targets: (chosen) => [urlTarget(urlOf(chosen))],
    send: sendBySparkpost,
    events: sparkpostEvents,
    check: checkSparkpost,
  }
}
