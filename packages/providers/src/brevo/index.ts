import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { checkBrevo } from './check.ts'
import { brevoEvents } from './event-source.ts'
import { garbledHeader, refusedHeader, takenFilename } from './expressible.ts'
import { sendByBrevo } from './send.ts'
import { type BrevoCredentials, type BrevoSettings, endpoint } from './types.ts'

const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key of version 3, such as xkeysib-…; SMTP keys do not work', /^[\x21-\x7e]+$/),
})

const settings = z.strictObject({
  base_url: baseUrl.optional().describe('Address of the API when it is not https://api.brevo.com/v3'),
})

/** Brevo, through its JSON API, which takes no MIME; it recognises a repeat. */
export function createBrevo(): Provider<BrevoCredentials, BrevoSettings> {
  return {
    id: 'brevo',
    description: 'Brevo, JSON API; recognises a repeat.',
    credentials,
    settings,
    // https://developers.brevo.com/reference/sendtransacemail and https://help.brevo.com/hc/en-us/articles/4402811730962
    capabilities: {
      recipientsMax: 99,
      needsTo: true,
      needsSubject: true,
      needsBody: true,
      alternatives: [],
      localParts: 'plain',
      messageBytesMax: 20 * 1000 * 1000,
      // 30 minutes in https://developers.brevo.com/docs/heterogenous-versions-batch-emails, but 15 in
      // https://developers.brevo.com/changelog/email-api-now-supports-idempotency
      idempotencyWindowMs: 15 * 60_000,
      answersEachRecipient: false,
      replyToMax: 1,
      refusesHeader: refusedHeader,
      garblesHeader: garbledHeader,
      inlineImages: false,
      takesFilename: takenFilename,
      tagsMax: 10,
      metadata: true,
      tellsLimits: false,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) => sendByBrevo(message, connection, endpoint(connection.settings), io),
    events: brevoEvents,
    check: ({ credentials, settings }, io) => checkBrevo(credentials, endpoint(settings), io),
  }
}
