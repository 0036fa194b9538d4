import { createTokens } from '../oauth2/tokens.ts'
import type { Provider } from '../provider.ts'
import { type Credentials, credentials, type Settings, settings } from './account.ts'
import { checkMicrosoft365 } from './check.ts'
import { microsoft365Targets } from './login.ts'
import { mimeBytesMax } from './parts.ts'
import { sendByMicrosoft365 } from './send.ts'

// The requests of one call follow each other: https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits
const requestsMax = 4

/** Exchange Online through Microsoft Graph: the whole message becomes a draft, large files follow it, and the draft is sent. */
export function createMicrosoft365(): Provider<Credentials, Settings> {
  const tokens = createTokens()
  return {
    id: 'microsoft365',
    description: 'Microsoft 365 (Exchange Online), Microsoft Graph, whole messages as MIME.',
    credentials,
    settings,
    capabilities: {
      // The usual setting of a mailbox: https://learn.microsoft.com/en-us/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
      recipientsMax: 500,
      orders: [],
      // A request holds 4 MB, in base64.
      rawMime: { recipients: 'headers', eightBit: true, bytesMax: mimeBytesMax },
      // Exchange has no place for AMP in a stored message: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxcmail
      alternatives: ['calendar'],
      localParts: 'plain',
      // The usual setting of a mailbox, which may be 150 MB: https://learn.microsoft.com/en-us/graph/api/attachment-createuploadsession
      messageBytesMax: 35 * 1000 * 1000,
      // A request holds 4 MB, in base64, and texts cannot follow in another.
      textBytesMax: 3 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 0,
      metadata: false,
      tellsLimits: false,
    },
    bouncesByMail: true,
    targets: microsoft365Targets,
    callsMax: () => requestsMax,
    send: (message, connection, io) => sendByMicrosoft365(message, connection, tokens, io),
    check: (connection, io) => checkMicrosoft365(connection, tokens, io),
  }
}
