import { z } from 'zod'
import { baseUrl, urlTarget } from '../http.ts'
import type { Provider } from '../provider.ts'
import { type Secret, secret } from '../secret.ts'
import { checkSparkpost } from './check.ts'
import { sendBySparkpost } from './send.ts'

export type SparkpostCredentials = { api_key: Secret }
export type SparkpostSettings = z.output<typeof settings>

const hosts = { us: 'https://api.sparkpost.com', eu: 'https://api.eu.sparkpost.com' } as const

const credentials = z.strictObject({
  // It goes into a header field.
  api_key: secret('API key with the permission Transmissions: Read/Write', /^[\x21-\x7e]+$/),
})

const settings = z.strictObject({
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

/** SparkPost (Bird), with the whole message as raw MIME. */
export function createSparkpost(): Provider<SparkpostCredentials, SparkpostSettings> {
  return {
    id: 'sparkpost',
    description: 'SparkPost (Bird), raw content; US and EU.',
    credentials,
    settings,
    // https://developers.sparkpost.com/api/transmissions/
    capabilities: {
      recipientsMax: 1000,
      localParts: 'plain',
      messageBytesMax: 20 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 1,
      metadata: true,
      tellsLimits: true,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) =>
      sendBySparkpost(message, connection, endpoint(connection.settings), io),
    check: ({ credentials, settings }, io) => checkSparkpost(credentials, endpoint(settings), io),
  }
}

function endpoint({ base_url, region = 'us' }: SparkpostSettings): string {
  return base_url ?? hosts[region]
}
