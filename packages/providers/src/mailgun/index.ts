import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { checkMailgun } from './check.ts'
import { mailgunEvents } from './event-source.ts'
import { sendByMailgun, tagsMax } from './send.ts'
import { endpoint, type MailgunCredentials, type MailgunSettings } from './types.ts'

const credentials = z.strictObject({
  api_key: secret('Sending key of the domain, or an API key of the account', /^[\x21-\x7e]+$/),
})

const settings = z.strictObject({
  // It is part of the path, where a slash would lead to an answer that looks like a success.
  domain: z
    .string()
    .max(253)
    .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/)
    .describe('Sending domain as it stands in Mailgun, such as mg.example.com'),
  region: z.enum(['us', 'eu']).optional().describe('Region that the domain was made in; us is the default'),
  base_url: baseUrl.optional().describe('Address of the API when it is not that of the region'),
})

/** Mailgun, with the whole message as raw MIME. */
export function createMailgun(): Provider<MailgunCredentials, MailgunSettings> {
  return {
    id: 'mailgun',
    description: 'Mailgun, raw MIME.',
    credentials,
    settings,
    // https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-http
    capabilities: {
      recipientsMax: 1000,
      rawMime: { recipients: 'envelope', eightBit: true, obeys: /^x-mailgun-/ },
      localParts: 'plain',
      messageBytesMax: 25 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax,
      metadata: false,
      tellsLimits: false,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) => sendByMailgun(message, connection, endpoint(connection.settings), io),
    events: mailgunEvents,
    check: (connection, io) => checkMailgun(connection, endpoint(connection.settings), io),
  }
}
