import { z } from 'zod'
import { type Account, type Called, callApi } from '../lib/call-api.ts'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Io, ProviderConnection } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'

export const credentials = z.strictObject({
  api_key: secret('API key of Mailchimp Transactional, such as md-…', /^[\x21-\x7e]+$/),
})

export const settings = z.strictObject({
  subaccount: z
    .string()
    // It goes into a header field.
    .regex(/^[\x21-\x7e]{1,255}$/)
    .optional()
    .describe('Subaccount that every message belongs to'),
  metadata: z
    .boolean()
    .optional()
    // Off, since Mandrill does not say that it takes the field with them out of every mail, and recipients must not see them.
    .describe('Whether the metadata of messages goes along; off when absent'),
  base_url: baseUrl.optional().describe('Address of the API when it is not https://mandrillapp.com'),
})

export type Credentials = z.output<typeof credentials>
export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>

export function urlOf({ base_url }: Settings): string {
  return base_url ?? 'https://mandrillapp.com'
}

export function accountOf({ settings }: Connection): Account {
  return {
    name: 'Mandrill',
    rules,
    toProviderError,
    // The endpoint of the current official client.
    url: `${urlOf(settings)}/api/1.3`,
    headers: { 'User-Agent': 'Lettergate' },
  }
}

/** Every call is a POST with the key in its body. */
export function callMandrill<T>(
  connection: Connection,
  path: string,
  fields: object,
  answer: z.ZodType<T>,
  io: Io,
): Promise<Called<T>> {
  const body = { key: connection.credentials.api_key.reveal(), ...fields }
  return callApi(io, accountOf(connection), { method: 'POST', path, body }, answer)
}
