import { z } from 'zod'
import type { Account } from '../lib/call-api.ts'
import { baseUrl } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { ProviderConnection } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'

export const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key with the permission Transmissions: Read/Write', /^[\x21-\x7e]+$/),
})

export const settings = z.strictObject({
  region: z.enum(['us', 'eu']).optional().describe('Where the account was made: us (usual) or eu'),
  subaccount: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional()
    .describe('Subaccount that every message belongs to, for a key of the main account'),
  ip_pool: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/)
    .optional()
    .describe('Dedicated IP pool to send from'),
  open_tracking: z.boolean().optional().describe('Whether opens are tracked, when not as the account says'),
  click_tracking: z.boolean().optional().describe('Whether clicks are tracked, when not as the account says'),
  base_url: baseUrl.optional().describe('Address of the API when it is not that of the region'),
})

export type Credentials = z.output<typeof credentials>
export type Settings = z.output<typeof settings>
export type Connection = ProviderConnection<Credentials, Settings>

const hosts = { us: 'https://api.sparkpost.com', eu: 'https://api.eu.sparkpost.com' } as const

export function urlOf({ base_url, region = 'us' }: Settings): string {
  return base_url ?? hosts[region]
}

export function accountOf({ credentials, settings }: Connection): Account {
  return {
    name: 'SparkPost',
    rules,
    toProviderError,
    url: `${urlOf(settings)}/api/v1`,
    headers: { Authorization: credentials.api_key.reveal(), 'User-Agent': 'Lettergate' },
  }
}

/** The same, for what belongs to the subaccount in the settings. */
export function subaccountOf(connection: Connection): Account {
  const account = accountOf(connection)
  const { subaccount } = connection.settings
  return subaccount === undefined
    ? account
    : { ...account, headers: { ...account.headers, 'X-MSYS-SUBACCOUNT': String(subaccount) } }
}
