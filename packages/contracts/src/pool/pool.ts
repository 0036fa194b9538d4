import { z } from 'zod'
import * as field from '../lib/fields.ts'

const share = (description: string) =>
  z
    .number()
    .gt(0)
    .max(1)
    .meta({ description, examples: [0.05] })
const count = (description: string) => z.int().min(1).max(1_000_000).meta({ description })

const fields = {
  held_share: share(
    'The part of a day’s share that mail held since earlier days may use. The rest is for new mail.',
  ),
  window_days: z.int().min(1).max(8).meta({ description: 'Days of mail that a tenant is judged by.' }),
  recipients_min: count('Fewer recipients in the window are not judged.'),
  bounces_min: count('Fewer hard bounces in the window are not judged.'),
  complaints_min: count('Fewer complaints in the window are not judged.'),
  bounces_warn: share('Share of hard bounces that warns the tenant.'),
  bounces_pause: share('Share of hard bounces that pauses the pool for the tenant.'),
  complaints_warn: share('Share of complaints that warns the tenant.'),
  complaints_pause: share('Share of complaints that pauses the pool for the tenant.'),
  new_bounces: count('Hard bounces in 24 hours that pause the pool for a tenant younger than 30 days.'),
  new_complaints: count('Complaints in 24 hours that pause the pool for a tenant younger than 30 days.'),
}
const defaultFrom = 'The one address that tenants without a proved domain may send from; null: none.'
const rampFrom = z
  .int()
  .min(1)
  .max(1_000_000)
  .nullable()
  .meta({
    description:
      'Recipients on the first day of tenants that are made from now on; the number doubles after each good day. Null: what the plan allows.',
    examples: [50],
  })

export const PoolSettings = z
  .object({
    default_from: z.string().nullable().meta({ description: defaultFrom }),
    ...fields,
    ramp_from: rampFrom,
  })
  .meta({ id: 'PoolSettings', description: 'Settings of the shared pool as a whole.' })
export type PoolSettings = z.output<typeof PoolSettings>

export const UpdatePoolSettingsRequest = field
  .anyChangeOf({
    default_from: field.address(defaultFrom).nullable().meta({ description: defaultFrom }),
    ...fields,
    ramp_from: rampFrom,
  })
  .meta({
    id: 'UpdatePoolSettingsRequest',
    description: 'Settings to change. Fields left out stay as they are.',
  })
export type UpdatePoolSettingsRequest = z.output<typeof UpdatePoolSettingsRequest>

const why = field
  .oneLine(z.string().min(1).max(500))
  .meta({ description: 'Why, in words that the tenant reads.', examples: ['A list of bought addresses'] })

export const PoolDecisionRequest = z
  .strictObject({ reason: why })
  .meta({ id: 'PoolDecisionRequest', description: 'A decision of the operator about one tenant.' })
export type PoolDecisionRequest = z.output<typeof PoolDecisionRequest>

export const PoolCeilingRequest = z
  .strictObject({
    recipients: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .nullable()
      .meta({
        description:
          'Recipients a day through the pool, if the plan allows more; null: what the plan allows.',
        examples: [200],
      }),
  })
  .meta({
    id: 'PoolCeilingRequest',
    description: 'The most that one tenant sends through the pool in a day.',
  })
export type PoolCeilingRequest = z.output<typeof PoolCeilingRequest>

const rates = (what: string) =>
  z
    .object({
      rate: z
        .number()
        .nullable()
        .meta({ description: `${what}, of 1; null: nothing was sent.` }),
      at_least: z.number().meta({
        description: 'The lowest share that the numbers are likely to come from. A pause is decided by it.',
      }),
    })
    .meta({ description: `${what} within the window.` })

const number = (description: string) => z.int().min(0).meta({ description })

export const PoolTenant = z
  .object({
    tenant: field.id('ten', 'Id of the tenant.'),
    name: field.text('Name of the tenant.'),
    state: z.enum(['ok', 'warned', 'paused']).meta({
      description:
        '`warned`: too much bounces or is reported as spam. `paused`: nothing of it goes through the pool.',
    }),
    since: field.maybeTime('When it was warned or paused.'),
    by: z.enum(['rule', 'operator']).nullable().meta({ description: 'Who decided so.' }),
    reason: field.reason,
    ceiling: field.maybeInt('Below what the plan allows; null: the plan.'),
    limit: field.maybeInt('Recipients through the pool today at most; null: no limit, or no mail yet.'),
    used: number('Recipients that count on the pool today.'),
    sent: number('Recipients that the pool carried within the window.'),
    bounced: number('Of these, hard bounces.'),
    complained: number('Of these, reported as spam.'),
    bounces: rates('Share of hard bounces'),
    complaints: rates('Share of recipients who reported spam'),
    held: number('Messages that wait for a connection or for room.'),
  })
  .meta({ id: 'PoolTenant', description: 'How a tenant stands with the shared pool.' })
export type PoolTenant = z.output<typeof PoolTenant>

export const PoolTenantList = field
  .pageOf(PoolTenant, 'Tenants that used the pool, or that a decision was made about.')
  .meta({ id: 'PoolTenantList', description: 'One page of tenants.' })
export type PoolTenantList = z.output<typeof PoolTenantList>

export const PoolTenantsQuery = z.strictObject({
  cursor: z.string().max(100).optional().meta({ description: '`next_cursor` of the page before.' }),
  limit: field.queryInt('Tenants on a page.', { max: 200, usual: 50 }),
})
export type PoolTenantsQuery = z.output<typeof PoolTenantsQuery>
