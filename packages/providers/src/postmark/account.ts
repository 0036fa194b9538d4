import { z } from 'zod'
import type { Account } from '../lib/call-api.ts'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { ProviderConnection } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'

export const credentials = z.strictObject({
  // It goes into a header field.
  server_token: secret('Server API token, from the API Tokens tab of the server', /^[\x21-\x7e]+$/),
})

export const settings = z.strictObject({
  message_stream: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,29}$/)
    .optional()
    .describe('Message stream to send through; the transactional stream "outbound" when left out'),
  base_url: baseUrl.optional().describe('Address of the API when it is not https://api.postmarkapp.com'),
})

export type Credentials = z.output<typeof credentials>
export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>

export function urlOf({ base_url }: Settings): string {
  return base_url ?? 'https://api.postmarkapp.com'
}

export function accountOf({ credentials, settings }: Connection): Account {
  return {
    name: 'Postmark',
    rules,
    toProviderError,
    url: urlOf(settings),
    headers: { 'X-Postmark-Server-Token': credentials.server_token.reveal(), Accept: 'application/json' },
  }
}
