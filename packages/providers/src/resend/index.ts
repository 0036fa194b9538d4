import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { checkResend } from './check.ts'
import { resendEvents } from './event-source.ts'
import { sendByResend } from './send.ts'
import { endpoint, type ResendCredentials, type ResendSettings } from './types.ts'

const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key that may send, such as re_…', /^[\x21-\x7e]+$/),
})

const settings = z.strictObject({
  base_url: baseUrl.optional().describe('Address of the API when it is not https://api.resend.com'),
})

/** Resend, through its JSON API; the first provider that recognises a repeat. */
export function createResend(): Provider<ResendCredentials, ResendSettings> {
  return {
    id: 'resend',
    description: 'Resend, JSON API; recognises a repeat.',
    credentials,
    settings,
    // https://resend.com/docs/api-reference/emails/send-email and /docs/dashboard/emails/idempotency-keys
    capabilities: {
      recipientsMax: 50,
      needsTo: true,
      needsSubject: true,
      needsBody: true,
      // An invitation goes as a file of its type, which calendars read as well.
      alternatives: ['calendar'],
      localParts: 'plain',
      messageBytesMax: 40 * 1000 * 1000,
      idempotencyWindowMs: 24 * 3_600_000,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 10,
      metadata: false,
      tellsLimits: false,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) => sendByResend(message, connection, endpoint(connection.settings), io),
    events: resendEvents,
    check: ({ credentials, settings }, io) => checkResend(credentials, endpoint(settings), io),
  }
}
