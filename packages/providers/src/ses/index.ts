import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { secret } from '../lib/secret.ts'
import type { Provider } from '../provider.ts'
import { sesEndpoint } from './endpoint.ts'
import { createSesEvents } from './event-source.ts'
import { createIdentities, type EnvironmentKeys } from './identity.ts'
import type { SesCredentials, SesSettings } from './types.ts'

// They go into header fields, or beside such ones.
const keyPattern = /^[\x21-\x7e]+$/

/** `keysMayBeMissing`: the operator lends connections without keys the AWS identity of this process. */
function credentialsOf(keysMayBeMissing: boolean) {
  return z
    .strictObject({
      access_key_id: secret(
        'Access key id of an IAM user that may call ses:SendEmail and ses:SendRawEmail',
        keyPattern,
      ).optional(),
      secret_access_key: secret('Secret access key of that user', keyPattern).optional(),
      session_token: secret('Session token of temporary credentials', keyPattern).optional(),
      role_arn: z
        .string()
        .max(2048)
        .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'must be the ARN of an IAM role')
        .optional()
        .describe('Role to assume with these keys before each call (sts:AssumeRole)'),
      external_id: z
        .string()
        .regex(/^[\w+=,.@:/-]{2,1224}$/)
        .optional()
        .describe('External id that the trust policy of the role asks for'),
    })
    .transform((given, context): SesCredentials => {
      const { access_key_id, secret_access_key, session_token, role_arn, external_id } = given
      const refuse = (message: string): never => {
        context.addIssue({ code: 'custom', message })
        return z.NEVER
      }
      if (external_id !== undefined && role_arn === undefined) return refuse('external_id is for a role_arn')
      const role = { ...(role_arn && { role_arn }), ...(external_id && { external_id }) }
      if (access_key_id && secret_access_key)
        return { ...role, access_key_id, secret_access_key, ...(session_token && { session_token }) }
      if (access_key_id || secret_access_key || session_token || !keysMayBeMissing)
        return refuse('must have access_key_id and secret_access_key')
      return role
    })
}

const settings = z
  .strictObject({
    region: z
      .string()
      .regex(/^[a-z]{2,3}(-[a-z]{2,12}){1,2}-\d{1,2}$/)
      .describe('AWS region that holds the verified identity, such as eu-west-1'),
    endpoint: z
      .enum(['standard', 'fips', 'dual-stack', 'fips-dual-stack'])
      .default('standard')
      .describe('Which of the addresses of AWS is used: by FIPS 140 modules, by IPv6 as well, or both'),
    endpoint_id: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/)
      .optional()
      .describe('Id of a multi-region endpoint; messages go through it, signed with Signature Version 4a'),
    base_url: baseUrl.optional().describe('Address of the API when it is not that of the region'),
    sts_url: baseUrl
      .optional()
      .describe('Address of the Security Token Service, for role_arn, when it is not that of the region'),
    sns_url: baseUrl
      .optional()
      .describe(
        'Address of the Simple Notification Service, for registering events, when it is not that of the region',
      ),
    configuration_set: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .optional()
      .describe('Configuration set named with every message; events need one'),
  })
  .refine(({ endpoint, endpoint_id }) => endpoint_id === undefined || !endpoint.startsWith('fips'), {
    path: ['endpoint_id'],
    message: 'has no FIPS endpoint',
  })

/** Amazon SES, API v2, with the whole message as raw MIME. */
export function createSes(environment?: EnvironmentKeys): Provider<SesCredentials, SesSettings> {
  const identities = createIdentities(environment)
  return {
    id: 'ses',
    description: 'Amazon SES, API v2, raw content.',
    credentials: credentialsOf(environment !== undefined),
    settings,
    // https://docs.aws.amazon.com/ses/latest/dg/quotas.html
    capabilities: {
      recipientsMax: 50,
      orders: ['x-ses-'],
      rawMime: { recipients: 'envelope', eightBit: true },
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
    targets: (chosen) => [
      urlTarget(sesEndpoint(chosen)),
      ...[chosen.sts_url, chosen.sns_url].flatMap((url) => (url === undefined ? [] : [urlTarget(url)])),
    ],
    // The SDK takes 30 MB of memory once it is loaded, and an api that never checks a connection to SES needs none of it.
    async send(message, connection, io) {
      const { sendBySes } = await import('./send.ts')
      return sendBySes(message, connection, identities, io)
    },
    events: createSesEvents(identities),
    async check(connection, io) {
      const { checkSes } = await import('./check.ts')
      return checkSes(connection, identities, io)
    },
  }
}
