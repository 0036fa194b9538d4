import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings, urlOf } from './account.ts'
import { checkSendgrid } from './check.ts'
import { sendgridEvents } from './event-source.ts'
import { categoriesMax, sayableType, sendBySendgrid } from './send.ts'

/** Twilio SendGrid, through its JSON API v3. */
export function createSendgrid(): Provider<Credentials, Settings> {
  return {
    id: 'sendgrid',
    description: 'Twilio SendGrid, JSON API v3.',
    credentials,
    settings,
    // https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations
    capabilities: {
      recipientsMax: 1000,
      orders: ['x-sg-', 'x-sendgrid-'],
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
    targets: (chosen) => [urlTarget(urlOf(chosen))],
    send: sendBySendgrid,
    events: sendgridEvents,
    check: checkSendgrid,
  }
}
