import { z } from 'zod'
import type { Account } from '../lib/call-api.ts'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { ProviderConnection } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'

export const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key with the scope mail.send, such as SG.…', /^[\x21-\x7e]+$/),
})

export const settings = z.strictObject({
  region: z
    .enum(['us', 'eu'])
    .optional()
    .describe('eu for a subuser that was made in the EU region; us (the default) for everyone else'),
  base_url: baseUrl.optional().describe('Address of the API when it is not that of the region'),
})

export type Credentials = z.output<typeof credentials>
export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>

export function urlOf({ region, base_url }: Settings): string {
  return base_url ?? (region === 'eu' ? 'https://api.eu.sendgrid.com' : 'https://api.sendgrid.com')
}

export function accountOf({ credentials, settings }: Connection): Account {
  return {
    name: 'SendGrid',
    rules,
    toProviderError,
    url: urlOf(settings),
    headers: {
      Authorization: `Bearer ${credentials.api_key.reveal()}`,
      Accept: 'application/json',
      'User-Agent': 'Lettergate',
    },
  }
}
