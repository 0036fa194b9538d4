import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { checkPostmark } from './check.ts'
import { postmarkEvents } from './event-source.ts'
import { sendByPostmark } from './send.ts'
import { endpoint, type PostmarkCredentials, type PostmarkSettings } from './types.ts'

const credentials = z.strictObject({
  // It goes into a header field.
  server_token: secret('Server API token, from the API Tokens tab of the server', /^[\x21-\x7e]+$/),
})

const settings = z.strictObject({
  message_stream: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,29}$/)
    .optional()
    .describe('Message stream to send through; the transactional stream "outbound" when left out'),
  base_url: baseUrl.optional().describe('Address of the API when it is not https://api.postmarkapp.com'),
})

/** Postmark, through its JSON API, which takes no MIME. */
export function createPostmark(): Provider<PostmarkCredentials, PostmarkSettings> {
  return {
    id: 'postmark',
    description: 'Postmark, JSON API.',
    credentials,
    settings,
    // https://postmarkapp.com/developer/user-guide/send-email-with-api
    capabilities: {
      recipientsMax: 50,
      needsBody: true,
      // A calendar is an attachment to it, for any type.
      // An invitation goes as a file of its type, which calendars read as well.
      alternatives: ['calendar'],
      localParts: 'plain',
      messageBytesMax: 10 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: true,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 1,
      metadata: true,
      tellsLimits: false,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) => sendByPostmark(message, connection, endpoint(connection.settings), io),
    events: postmarkEvents,
    check: ({ credentials, settings }, io) => checkPostmark(credentials, endpoint(settings), io),
  }
}
