import { z } from 'zod'
import { baseUrl } from '../lib/http.ts'
import type { Secret } from '../lib/secret.ts'

export type SparkpostCredentials = { api_key: Secret }

export type SparkpostSettings = z.output<typeof settings>

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

const hosts = { us: 'https://api.sparkpost.com', eu: 'https://api.eu.sparkpost.com' } as const

export function endpoint({ base_url, region = 'us' }: SparkpostSettings): string {
  return base_url ?? hosts[region]
}
