import { z } from 'zod'
import { baseUrl } from '../lib/http.ts'
import { type Secret, secret } from '../lib/secret.ts'
import { clientId, privateKey } from '../oauth2/tokens.ts'
import type { ProviderConnection } from '../provider.ts'

export type Credentials =
  | { client_id: string; client_secret: Secret; refresh_token: Secret }
  | { client_email: string; private_key: Secret }

const address = z
  .string()
  .max(254)
  .regex(/^[^\s@/\\?#%]+@[^\s@/\\?#%]+$/, 'must be an email address')

export const credentials = z
  .strictObject({
    client_id: clientId.optional().describe('Client id of an OAuth client; with it go the next two'),
    client_secret: secret('Client secret of the OAuth client').optional(),
    refresh_token: secret('Refresh token of a user who consented to gmail.send').optional(),
    client_email: address.optional().describe('`client_email` of a service account, in place of the above'),
    private_key: privateKey.optional(),
  })
  .transform((given, context): Credentials => {
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

export const settings = z.strictObject({
  user: address.describe('Address of the account that sends; a service account acts on behalf of it'),
  base_url: baseUrl.optional().describe('Address of the API when it is not https://gmail.googleapis.com'),
  token_url: baseUrl
    .optional()
    .describe('Address that gives out tokens when it is not https://oauth2.googleapis.com/token'),
})

export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>
