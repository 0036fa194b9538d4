import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings, urlOf } from './account.ts'
import { checkResend } from './check.ts'
import { resendEvents } from './event-source.ts'
import { sendByResend } from './send.ts'

/** Resend, through its JSON API; the first provider that recognises a repeat. */
export function createResend(): Provider<Credentials, Settings> {
  return {
    id: 'resend',
    description: 'Resend, JSON API; recognises a repeat.',
    credentials,
    settings,
    // https://resend.com/docs/api-reference/emails/send-email and /docs/dashboard/emails/idempotency-keys
    capabilities: {
      recipientsMax: 50,
      orders: ['x-resend-'],
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
    targets: (chosen) => [urlTarget(urlOf(chosen))],
    send: sendByResend,
    events: resendEvents,
    check: checkResend,
  }
}
