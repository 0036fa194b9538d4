import { z } from 'zod'
import type { Account } from '../lib/call-api.ts'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { ProviderConnection } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'

export const credentials = z.strictObject({
  api_key: secret('Sending key of the domain, or an API key of the account', /^[\x21-\x7e]+$/),
})

export const settings = z.strictObject({
  // It is part of the path, where a slash would lead to an answer that looks like a success.
  domain: z
    .string()
    .max(253)
    .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/)
    .describe('Sending domain as it stands in Mailgun, such as mg.example.com'),
  region: z.enum(['us', 'eu']).optional().describe('Region that the domain was made in; us is the default'),
  base_url: baseUrl.optional().describe('Address of the API when it is not that of the region'),
})

export type Credentials = z.output<typeof credentials>
export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>

export function urlOf({ region, base_url }: Settings): string {
  return base_url ?? (region === 'eu' ? 'https://api.eu.mailgun.net' : 'https://api.mailgun.net')
}

/** https://documentation.mailgun.com/docs/mailgun/api-reference/authentication */
export function accountOf({ credentials, settings }: Connection): Account {
  const pair = Buffer.from(`api:${credentials.api_key.reveal()}`).toString('base64')
  return {
    name: 'Mailgun',
    rules,
    toProviderError,
    url: urlOf(settings),
    headers: { Authorization: `Basic ${pair}`, 'User-Agent': 'Lettergate' },
  }
}
