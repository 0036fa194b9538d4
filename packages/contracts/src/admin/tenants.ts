import { z } from 'zod'
import { EgressRule } from '../egress/rules.ts'
import * as field from '../lib/fields.ts'
import { RETRY_HOURS_MAX } from '../settings/settings.ts'
import { ChangeOwnLimits, OwnLimits } from './limits.ts'

const NAME_MAX = 200
const REASON_MAX = 500

const line = (max: number) => field.oneLine(z.string().trim().min(1).max(max))

const name = line(NAME_MAX).meta({ description: 'Name of the tenant.', examples: ['Acme'] })
const plan = z
  .string()
  .max(40)
  .meta({ description: 'Name of its plan.', examples: ['standard'] })
const retry_hours = z.int().min(1).max(RETRY_HOURS_MAX).meta({
  description: 'Hours after which a message that could not be delivered is given up.',
})
const on_unknown = z.enum(['hold', 'resend']).meta({
  description:
    'After an attempt with an unknown result: `hold` the message, or `resend` it, which may deliver it twice.',
})

export const CreateTenantRequest = z
  .strictObject({
    name,
    plan,
    own_limits: ChangeOwnLimits.optional(),
    retry_hours: retry_hours.optional(),
    on_unknown: on_unknown.optional(),
  })
  .meta({ id: 'CreateTenantRequest', description: 'A new tenant.' })
export type CreateTenantRequest = z.output<typeof CreateTenantRequest>

const egress_extra = z.array(EgressRule).max(25).meta({
  description: 'Targets that this tenant may reach besides those of its plan.',
})

export const UpdateTenantRequest = field
  .changeOf({ name, plan, own_limits: ChangeOwnLimits, egress_extra, retry_hours, on_unknown })
  .meta({ id: 'UpdateTenantRequest', description: 'Changes to a tenant. Fields left out stay as they are.' })
export type UpdateTenantRequest = z.output<typeof UpdateTenantRequest>

export const SuspendTenantRequest = z
  .strictObject({
    reason: line(REASON_MAX).meta({ description: 'Why; the tenant reads it in its answers.' }),
  })
  .meta({ id: 'SuspendTenantRequest', description: 'Why a tenant is suspended.' })
export type SuspendTenantRequest = z.output<typeof SuspendTenantRequest>

export const tenantStates = ['active', 'suspended'] as const

export const ListTenantsQuery = z.strictObject({
  search: z
    .string()
    .min(1)
    .max(NAME_MAX)
    .meta({ description: 'A part of the name, or a whole id.' })
    .optional(),
  state: z.enum(tenantStates).meta({ description: 'Only tenants in this state.' }).optional(),
  plan: plan.meta({ description: 'Only tenants with this plan.' }).optional(),
  cursor: field.cursor,
  limit: field.queryInt('Tenants on a page.', { max: 100, usual: 20 }),
})
export type ListTenantsQuery = z.output<typeof ListTenantsQuery>

export const Tenant = z
  .object({
    id: field.id('ten', 'Id of the tenant.'),
    name,
    plan,
    state: z.enum(tenantStates).meta({
      description: '`suspended`: its keys can read and nothing else, and its mail waits.',
    }),
    suspended_at: field.maybeTime('Since when it is suspended; null: it is active.'),
    suspended_reason: field.maybeText('Why it is suspended; null: it is active.'),
    accepted_per_day: field.int('Recipients in a day, as in force: its own limit, or that of the plan.'),
    own_limits: OwnLimits,
    egress_extra,
    retry_hours,
    on_unknown,
    created_at: field.time('When it was created.'),
  })
  .meta({ id: 'Tenant', description: 'A tenant of this gateway.' })
export type Tenant = z.output<typeof Tenant>

export const TenantList = field
  .pageOf(Tenant, 'The newest first.')
  .meta({ id: 'TenantList', description: 'A page of tenants.' })
export type TenantList = z.output<typeof TenantList>

export const TenantCreated = z
  .object({
    tenant: Tenant,
    live_key: field.text('A live key. It is shown only here.'),
    test_key: field.text('A test key. It is shown only here.'),
  })
  .meta({ id: 'TenantCreated', description: 'The tenant, and two keys that are shown once.' })
export type TenantCreated = z.output<typeof TenantCreated>

export const CreateTenantKeyRequest = z
  .strictObject({
    mode: z.enum(['live', 'test']).default('live').meta({ description: 'Kind of key.' }),
    scopes: z
      .array(z.string().max(40))
      .min(1)
      .max(40)
      .meta({ description: 'Scopes of the key. Left out: all that a tenant may have.' })
      .optional(),
    expires_at: z.iso
      .datetime({ offset: true })
      .meta({ description: 'When it ends. Left out: when it is revoked.' })
      .optional(),
  })
  .meta({ id: 'CreateTenantKeyRequest', description: 'A new key of a tenant.' })
export type CreateTenantKeyRequest = z.output<typeof CreateTenantKeyRequest>

export const TenantKey = z
  .object({
    id: field.id('key', 'Id of the key.'),
    mode: z.enum(['live', 'test']).meta({ description: 'Kind of key.' }),
    display: field.text('Its first characters, to recognise it.', 'lg_live_a1b2'),
    scopes: field.texts('Its scopes.'),
    created_at: field.time('When it was created.'),
    expires_at: field.maybeTime('When it ends; null: when it is revoked.'),
    revoked_at: field.maybeTime('When it was revoked; null: it was not.'),
  })
  .meta({ id: 'TenantKey', description: 'A key of a tenant, without the key itself.' })
export type TenantKey = z.output<typeof TenantKey>

export const TenantKeyList = field
  .listOf(TenantKey, 'The newest first, at most 1,000.')
  .meta({ id: 'TenantKeyList', description: 'The keys of a tenant.' })
export type TenantKeyList = z.output<typeof TenantKeyList>

export const TenantKeyCreated = z
  .object({ key: field.text('The key. It is shown only here.'), info: TenantKey })
  .meta({ id: 'TenantKeyCreated', description: 'A key, shown once.' })
export type TenantKeyCreated = z.output<typeof TenantKeyCreated>
