import { z } from 'zod'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import { clientId, createTokens, privateKey } from '../oauth2/tokens.ts'
import type { Provider } from '../provider.ts'
import { checkGmail } from './check.ts'
import { gmailTargets } from './login.ts'
import { sendByGmail } from './send.ts'
import type { GmailCredentials, GmailSettings } from './types.ts'

const address = z
  .string()
  .max(254)
  .regex(/^[^\s@/\\?#%]+@[^\s@/\\?#%]+$/, 'must be an email address')

const credentials = z
  .strictObject({
    client_id: clientId.optional().describe('Client id of an OAuth client; with it go the next two'),
    client_secret: secret('Client secret of the OAuth client').optional(),
    refresh_token: secret('Refresh token of a user who consented to gmail.send').optional(),
    client_email: address.optional().describe('`client_email` of a service account, in place of the above'),
    private_key: privateKey.optional(),
  })
  .transform((given, context): GmailCredentials => {
    const { client_id, client_secret, refresh_token, client_email, private_key } = given
    const ofClient = [client_id, client_secret, refresh_token].filter((value) => value !== undefined)
    const ofAccount = [client_email, private_key].filter((value) => value !== undefined)
    if (ofAccount.length === 0 && client_id !== undefined && client_secret && refresh_token)
      return { client_id, client_secret, refresh_token }
    if (ofClient.length === 0 && client_email !== undefined && private_key)
      return { client_email, private_key }
    const message =
      'must be client_id, client_secret and refresh_token, or client_email and private_key, and nothing else'
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const settings = z.strictObject({
  user: address.describe('Address of the account that sends; a service account acts on behalf of it'),
  base_url: baseUrl.optional().describe('Address of the API when it is not https://gmail.googleapis.com'),
  token_url: baseUrl
    .optional()
    .describe('Address that gives out tokens when it is not https://oauth2.googleapis.com/token'),
})

/** Gmail and Google Workspace through the Gmail API, with the whole message as MIME. */
export function createGmail(): Provider<GmailCredentials, GmailSettings> {
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
