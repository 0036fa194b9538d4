import { z } from 'zod'
import type { Account } from '../lib/call-api.ts'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { ProviderConnection } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'

export const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key of version 3, such as xkeysib-…; SMTP keys do not work', /^[\x21-\x7e]+$/),
})

export const settings = z.strictObject({
  base_url: baseUrl.optional().describe('Address of the API when it is not https://api.brevo.com/v3'),
})

export type Credentials = z.output<typeof credentials>
export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>

export function urlOf({ base_url }: Settings): string {
  return base_url ?? 'https://api.brevo.com/v3'
}

export function accountOf({ credentials, settings }: Connection): Account {
  return {
    name: 'Brevo',
    rules,
    toProviderError,
    url: urlOf(settings),
    headers: { 'api-key': credentials.api_key.reveal(), Accept: 'application/json' },
  }
}
