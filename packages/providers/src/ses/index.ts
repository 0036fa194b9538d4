import { z } from 'zod'
import { baseUrl, urlTarget } from '../http.ts'
import type { Provider } from '../provider.ts'
import { type Secret, secret } from '../secret.ts'
import { checkSes } from './check.ts'
import { sendBySes } from './send.ts'

export type SesCredentials = {
  access_key_id: Secret
  secret_access_key: Secret
  session_token?: Secret | undefined
}
export type SesSettings = {
  region: string
  base_url?: string | undefined
  configuration_set?: string | undefined
}

// They go into header fields, or beside such ones.
const keyPattern = /^[\x21-\x7e]+$/

const credentials = z.strictObject({
  access_key_id: secret(
    'Access key id of an IAM user that may call ses:SendEmail and ses:SendRawEmail',
    keyPattern,
  ),
  secret_access_key: secret('Secret access key of that user', keyPattern),
  session_token: secret('Session token of temporary credentials', keyPattern).optional(),
})

const settings = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z]{2,3}(-[a-z]{2,12}){1,2}-\d{1,2}$/)
    .describe('AWS region that holds the verified identity, such as eu-west-1'),
  base_url: baseUrl.optional().describe('Address of the API when it is not that of the region'),
  configuration_set: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional()
    .describe('Configuration set named with every message'),
})

/** Amazon SES, API v2, with the whole message as raw MIME. */
export function createSes(): Provider<SesCredentials, SesSettings> {
  return {
    id: 'ses',
    description: 'Amazon SES, API v2, raw content.',
    credentials,
    settings,
    // https://docs.aws.amazon.com/ses/latest/dg/quotas.html
    capabilities: {
      recipientsMax: 50,
      localParts: 'dots',
      messageBytesMax: 40 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: false,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 49,
      metadata: false,
      tellsLimits: true,
    },
    targets: (chosen) => [urlTarget(endpoint(chosen))],
    send: (message, connection, io) => sendBySes(message, connection, endpoint(connection.settings), io),
    check: (connection, io) => checkSes(connection, endpoint(connection.settings), io),
  }
}

function endpoint(chosen: SesSettings): string {
  return chosen.base_url ?? `https://email.${chosen.region}.amazonaws.com`
}
