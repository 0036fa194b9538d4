import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { checkMandrill } from './check.ts'
import { mandrillEvents } from './event-source.ts'
import { sendByMandrill } from './send.ts'
import { endpoint, type MandrillCredentials, type MandrillSettings } from './types.ts'

const credentials = z.strictObject({
  api_key: secret('API key of Mailchimp Transactional, such as md-…', /^[\x21-\x7e]+$/),
})

const settings = z.strictObject({
  subaccount: z
    .string()
    // It goes into a header field.
    .regex(/^[\x21-\x7e]{1,255}$/)
    .optional()
    .describe('Subaccount that every message belongs to'),
  metadata: z
    .boolean()
    .optional()
    // Off, since Mandrill does not say that it takes the field with them out of every mail, and recipients must not see them.
    .describe('Whether the metadata of messages goes along; off when absent'),
  base_url: baseUrl.optional().describe('Address of the API when it is not https://mandrillapp.com'),
})

/** Mailchimp Transactional (Mandrill), with the whole message as raw MIME. */
export function createMandrill(): Provider<MandrillCredentials, MandrillSettings> {
  return {
    id: 'mandrill',
    description: 'Mailchimp Transactional (Mandrill), raw content; answers for each recipient.',
    credentials,
    settings,
    // https://mailchimp.com/developer/transactional/docs/smtp-integration/ and /docs/tags-metadata/
    capabilities: {
      recipientsMax: 1000,
      // It takes the mail as text.
      rawMime: { recipients: 'envelope', eightBit: false, obeys: /^(?:x-mc-|x-mandrill-)/ },
      alternatives: ['calendar'],
      localParts: 'plain',
      // It answers once for all forms of an address.
      foldsAddressCase: true,
      messageBytesMax: 25 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: true,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 10,
      metadata: false,
      tellsLimits: false,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) => sendByMandrill(message, connection, endpoint(connection.settings), io),
    events: mandrillEvents,
    check: ({ credentials, settings }, io) => checkMandrill(credentials, endpoint(settings), io),
  }
}
