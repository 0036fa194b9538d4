import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings, urlOf } from './account.ts'
import { checkMailgun } from './check.ts'
import { mailgunEvents } from './event-source.ts'
import { sendByMailgun, tagsMax } from './send.ts'

/** Mailgun, with the whole message as raw MIME. */
export function createMailgun(): Provider<Credentials, Settings> {
  return {
    id: 'mailgun',
    description: 'Mailgun, raw MIME.',
    credentials,
    settings,
    // https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-http
    capabilities: {
      recipientsMax: 1000,
      orders: ['x-mailgun-'],
      rawMime: { recipients: 'envelope', eightBit: true },
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
    targets: (chosen) => [urlTarget(urlOf(chosen))],
    send: sendByMailgun,
    events: mailgunEvents,
    check: checkMailgun,
  }
}
