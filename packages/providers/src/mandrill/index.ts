import { urlTarget } from '../lib/http.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings, urlOf } from './account.ts'
import { checkMandrill } from './check.ts'
import { mandrillEvents } from './event-source.ts'
import { sendByMandrill } from './send.ts'

/** Mailchimp Transactional (Mandrill), with the whole message as raw MIME. */
export function createMandrill(): Provider<Credentials, Settings> {
  return {
    id: 'mandrill',
    description: 'Mailchimp Transactional (Mandrill), raw content; answers for each recipient.',
    credentials,
    settings,
    // https://mailchimp.com/developer/transactional/docs/smtp-integration/ and /docs/tags-metadata/
    capabilities: {
      recipientsMax: 1000,
      orders: ['x-mc-', 'x-mandrill-'],
      // It takes the mail as text.
      rawMime: { recipients: 'envelope', eightBit: false },
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
    targets: (chosen) => [urlTarget(urlOf(chosen))],
    send: sendByMandrill,
    events: mandrillEvents,
    check: checkMandrill,
  }
}
