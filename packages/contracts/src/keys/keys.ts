import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { toFromDomain } from './from-domains.ts'
import { isNetwork } from './networks.ts'

/** Keys of a tenant that are good at the same time. */
export const KEYS_MAX = 100
const OVERLAP_SECONDS_MAX = 30 * 86_400

/** What a key of a tenant may be permitted. */
export const tenantScopes = [
  'messages:send',
  'messages:read',
  'messages:write',
  'connections:read',
  'connections:write',
  'events:read',
  'endpoints:read',
  'endpoints:write',
  'suppressions:read',
  'suppressions:write',
  'usage:read',
  'settings:read',
  'settings:write',
  'keys:read',
  'keys:write',
  'domains:read',
  'domains:write',
  'audit:read',
  'smtp-credentials:read',
  'smtp-credentials:write',
  'inbound:read',
  'inbound:write',
] as const

const KeyId = field.id('key', 'Id of the key.')

export const CreateKeyRequest = z
  .strictObject({
    name: z.string().trim().min(1).max(100).meta({ description: 'A name that you recognise the key by.' }),
    mode: z
      .enum(['live', 'test'])
      .default('live')
      .meta({ description: '`test`: nothing leaves the gateway. A test key makes test keys only.' }),
    scopes: z
      .array(z.enum(tenantScopes))
      .min(1)
      .max(tenantScopes.length)
      .meta({ description: 'Rights of the key: scopes that the calling key has too.' }),
    expires_at: z.iso
      .datetime({ offset: true })
      .nullable()
      .default(null)
      .meta({ description: 'When it ends; null: never.' }),
    networks: z
      .array(z.string().max(50).refine(isNetwork, 'is no address and no network'))
      .max(50)
      .default([])
      .meta({
        description: 'Addresses and networks that requests with it may come from; empty: any.',
        examples: [['203.0.113.0/24']],
      }),
    from_domains: z
      .array(
        z
          .string()
          .max(260)
          .transform((text, context) => {
            const domain = toFromDomain(text)
            if (domain !== null) return domain
            context.addIssue({ code: 'custom', message: 'is no domain' })
            return z.NEVER
          }),
      )
      .max(50)
      .default([])
      .meta({
        description:
          'Domains that mail sent with it may be from; `*.acme.example` is every name below it. Empty: any.',
        examples: [['acme.example']],
      }),
    requests_per_second: z
      .int()
      .min(1)
      .max(100_000)
      .nullable()
      .default(null)
      .meta({ description: 'Its own limit; null: 80 % of the limit of your plan.' }),
  })
  .meta({ id: 'CreateKeyRequest', description: 'A new API key.' })
export type CreateKeyRequest = z.output<typeof CreateKeyRequest>

export const RotateKeyRequest = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(OVERLAP_SECONDS_MAX)
      .default(86_400)
      .meta({ description: 'How long the old key is good beside the new one; 0: it ends now.' }),
  })
  .meta({ id: 'RotateKeyRequest', description: 'How a key is replaced.' })
export type RotateKeyRequest = z.output<typeof RotateKeyRequest>

export const RevokeKeyQuery = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: '`true`: also if no other key could manage keys afterwards.' }),
})

export const ApiKey = z
  .object({
    id: KeyId,
    name: field.text('Your name for it.'),
    mode: z.enum(['live', 'test']).meta({ description: '`live` or `test`.' }),
    display: field.text('How it begins, to recognise it by.', 'lg_live_Ab3d'),
    scopes: field.texts('Its scopes.'),
    networks: field.texts('Where requests may come from; empty: anywhere.'),
    from_domains: field.texts('Domains that its mail may be from; empty: any.'),
    requests_per_second: field.maybeInt('Its own limit.'),
    status: z
      .enum(['active', 'expired', 'revoked'])
      .meta({ description: 'Whether it is good. Every process knows a change within five seconds.' }),
    expires_at: field.maybeTime('When it ends; null: never.'),
    revoked_at: field.maybeTime('When it was revoked.'),
    replaced_by: field.maybeText('The key that takes its place.'),
    created_by: field.maybeText('The key that made it; null: the operator.'),
    created_at: field.time('When it was made.'),
    last_used: z
      .object({
        at: field.time('When; kept to the minute.'),
        address: field.text('The address that the request came from.'),
        agent: field.maybeText('Its User-Agent.'),
      })
      .nullable()
      .meta({ description: 'Its last use; null: none is known.' }),
  })
  .meta({ id: 'ApiKey', description: 'An API key, without the key itself.' })
export type ApiKey = z.output<typeof ApiKey>

export const ApiKeyCreated = ApiKey.extend({
  key: field.text('The key. Shown only here: store it as you store a password.', 'lg_live_…'),
}).meta({ id: 'ApiKeyCreated', description: 'The key, with its secret part.' })
export type ApiKeyCreated = z.output<typeof ApiKeyCreated>

export const ApiKeyList = field
  .listOf(ApiKey, 'Newest first; those that ended more than 30 days ago are left out.')
  .meta({ id: 'ApiKeyList', description: 'Your keys. A test key sees test keys only.' })
export type ApiKeyList = z.output<typeof ApiKeyList>
