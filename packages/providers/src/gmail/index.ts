import { createTokens } from '../oauth2/tokens.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings } from './account.ts'
import { checkGmail } from './check.ts'
import { gmailTargets } from './login.ts'
import { sendByGmail } from './send.ts'

/** Gmail and Google Workspace through the Gmail API, with the whole message as MIME. */
export function createGmail(): Provider<Credentials, Settings> {
  const tokens = createTokens()
  return {
    id: 'gmail',
    description: 'Gmail and Google Workspace, Gmail API, whole messages as MIME.',
    credentials,
    settings,
    // The upload would hold 35 MB, but Gmail sends no message that is larger than 25 MB as it is encoded:
    // https://support.google.com/mail/answer/6584
    capabilities: {
      recipientsMax: 100,
      orders: [],
      rawMime: { recipients: 'headers', eightBit: true },
      localParts: 'dots',
      messageBytesMax: 25 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 0,
      metadata: false,
      tellsLimits: false,
    },
    bouncesByMail: true,
    targets: gmailTargets,
    send: (message, connection, io) => sendByGmail(message, connection, tokens, io),
    check: (connection, io) => checkGmail(connection, tokens, io),
  }
}
