import { z } from 'zod'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import { clientId, createTokens } from '../oauth2/tokens.ts'
import type { Provider } from '../provider.ts'
import { checkMicrosoft365 } from './check.ts'
import { microsoft365Targets } from './login.ts'
import { mimeBytesMax } from './parts.ts'
import { sendByMicrosoft365 } from './send.ts'
import type { Microsoft365Credentials, Microsoft365Settings } from './types.ts'

const credentials = z
  .strictObject({
    client_id: clientId.describe('Application (client) id of the app registration'),
    client_secret: secret('Client secret of the app: its value, not its id').optional(),
    refresh_token: secret(
      'Refresh token of a user who consented; left out, the app acts by its own permissions',
    ).optional(),
  })
  .refine((given) => given.client_secret !== undefined || given.refresh_token !== undefined, {
    path: ['client_secret'],
    message: 'is required without refresh_token',
  })

const settings = z.strictObject({
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, 'must be an id or a domain name')
    .describe('Directory (tenant) id, or a domain of the tenant'),
  user: z
    .string()
    .max(254)
    .regex(
      /^([^\s@/\\?#%]+@[^\s@/\\?#%]+|[0-9a-fA-F-]{36})$/,
      'must be a user principal name or an object id',
    )
    .describe('Mailbox that sends: its user principal name or object id'),
  base_url: baseUrl
    .optional()
    .describe('Address of Graph when it is not https://graph.microsoft.com: that of a national cloud'),
  login_url: baseUrl
    .optional()
    .describe('Address that gives out tokens when it is not https://login.microsoftonline.com'),
})

// The requests of one call follow each other: https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits
const requestsMax = 4

/** Exchange Online through Microsoft Graph: the whole message becomes a draft, large files follow it, and the draft is sent. */
export function createMicrosoft365(): Provider<Microsoft365Credentials, Microsoft365Settings> {
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
