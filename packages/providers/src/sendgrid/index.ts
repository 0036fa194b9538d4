import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { checkSendgrid } from './check.ts'
import { sendgridEvents } from './event-source.ts'
import { categoriesMax, sayableType, sendBySendgrid } from './send.ts'
import { endpoint, type SendgridCredentials, type SendgridSettings } from './types.ts'

const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key with the scope mail.send, such as SG.…', /^[\x21-\x7e]+$/),
})

const settings = z.strictObject({
  region: z
    .enum(['us', 'eu'])
    .optional()
    .describe('eu for a subuser that was made in the EU region; us (the default) for everyone else'),
  base_url: baseUrl.optional().describe('Address of the API when it is not that of the region'),
})

/** Twilio SendGrid, through its JSON API v3. */
export function createSendgrid(): Provider<SendgridCredentials, SendgridSettings> {
  return {
    id: 'sendgrid',
    description: 'Twilio SendGrid, JSON API v3.',
    credentials,
    settings,
    // https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations
    capabilities: {
      recipientsMax: 1000,
      needsTo: true,
      needsSubject: true,
      needsBody: true,
      // It advises quotes around odd dots: https://support.sendgrid.kke.co.jp/hc/ja/articles/360000019762
      localParts: 'dots',
      // A second form of an address is refused, and the whole call with it:
      // https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations
      foldsAddressCase: true,
      messageBytesMax: 30 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 1000,
      inlineImages: true,
      takesContentType: sayableType,
      tagsMax: categoriesMax,
      metadata: true,
      tellsLimits: false,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) => sendBySendgrid(message, connection, endpoint(connection.settings), io),
    events: sendgridEvents,
    check: ({ credentials, settings }, io) => checkSendgrid(credentials, endpoint(settings), io),
  }
}
