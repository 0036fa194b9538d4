import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings, urlOf } from './account.ts'
import { checkBrevo } from './check.ts'
import { brevoEvents } from './event-source.ts'
import { garbledHeader, refusedHeader, takenFilename } from './expressible.ts'
import { sendByBrevo } from './send.ts'

/** Brevo, through its JSON API, which takes no MIME; it recognises a repeat. */
export function createBrevo(): Provider<Credentials, Settings> {
  return {
    id: 'brevo',
    description: 'Brevo, JSON API; recognises a repeat.',
    credentials,
    settings,
    // https://developers.brevo.com/reference/sendtransacemail and https://help.brevo.com/hc/en-us/articles/4402811730962
    capabilities: {
      recipientsMax: 99,
      orders: ['x-mailin-', 'x-sib-', 'x-brevo-'],
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
    targets: (chosen) => [urlTarget(urlOf(chosen))],
    send: sendByBrevo,
    events: brevoEvents,
    check: checkBrevo,
  }
}
