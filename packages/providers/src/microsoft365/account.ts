import { z } from 'zod'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import { clientId } from '../oauth2/tokens.ts'
import type { ProviderConnection } from '../provider.ts'

export const credentials = z
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

export const settings = z.strictObject({
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

export type Credentials = z.output<typeof credentials>
export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>
