import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings, urlOf } from './account.ts'
import { checkPostmark } from './check.ts'
import { postmarkEvents } from './event-source.ts'
import { sendByPostmark } from './send.ts'

/** Postmark, through its JSON API, which takes no MIME. */
export function createPostmark(): Provider<Credentials, Settings> {
  return {
    id: 'postmark',
    description: 'Postmark, JSON API.',
    credentials,
    settings,
    // https://postmarkapp.com/developer/user-guide/send-email-with-api
    capabilities: {
      recipientsMax: 50,
      orders: ['x-pm-', 'x-postmark-'],
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
    targets: (chosen) => [urlTarget(urlOf(chosen))],
    send: sendByPostmark,
    events: postmarkEvents,
    check: checkPostmark,
  }
}
