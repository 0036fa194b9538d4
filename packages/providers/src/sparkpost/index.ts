import { z } from 'zod'
import { urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { checkSparkpost } from './check.ts'
import { sparkpostEvents } from './event-source.ts'
import { sendBySparkpost } from './send.ts'
import { endpoint, type SparkpostCredentials, type SparkpostSettings, settings } from './types.ts'

const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key with the permission Transmissions: Read/Write', /^[\x21-\x7e]+$/),
})

/** SparkPost (Bird), with the whole message as raw MIME. */
export function createSparkpost(): Provider<SparkpostCredentials, SparkpostSettings> {
  return {
    id: 'sparkpost',
    description: 'SparkPost (Bird), raw content; US and EU.',
    credentials,
    settings,
    // https://developers.sparkpost.com/api/transmissions/
    capabilities: {
      // It takes the mail as text.
      rawMime: { recipients: 'envelope', eightBit: false, obeys: /^(?:x-msys-|x-sparkpost-)/ },
      recipientsMax: 1000,
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
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) =>
      sendBySparkpost(message, connection, endpoint(connection.settings), io),
    events: sparkpostEvents,
    check: ({ credentials, settings }, io) => checkSparkpost(credentials, endpoint(settings), io),
  }
}
