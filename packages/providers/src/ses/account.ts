import { z } from 'zod'
import { baseUrl } from '../lib/http.ts'
import { type Secret, secret } from '../lib/secret.ts'
import type { ProviderConnection } from '../provider.ts'

/** A role to assume before each call, and the id that its trust policy asks for. */
type AssumedRole = { role_arn?: string | undefined; external_id?: string | undefined }

export type SesCredentials = AssumedRole &
  (
    | {
        access_key_id: Secret
        secret_access_key: Secret
        session_token?: Secret | undefined
      }
    /** The AWS identity of this process, where the operator permits it. */
    | { access_key_id?: undefined }
  )

// They go into header fields, or beside such ones.
const keyPattern = /^[\x21-\x7e]+$/

/** `keysMayBeMissing`: the operator lends connections without keys the AWS identity of this process. */
export function credentialsOf(keysMayBeMissing: boolean) {
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

export const settings = z
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

export type SesSettings = z.output<typeof settings>
export type SesConnection = ProviderConnection<SesCredentials, SesSettings>

const name = z.string().regex(/^[\w-]{1,100}$/)
export const registration = z.strictObject({
  topic_arn: z.string().max(400),
  configuration_set: name,
  event_destination: name,
  url: z.string().max(2048).describe('URL of the subscription'),
})
export type SesRegistration = z.output<typeof registration>
