import { z } from 'zod'
import { planLimits } from '../admin/limits.ts'
import { AllResources } from '../admin/resources.ts'
import * as field from '../lib/fields.ts'

/** Days of usage that are kept, and a little less is promised: 13 months. */
const USAGE_DAYS_MAX = 397

const count = (description: string) => z.number().int().min(0).meta({ description })
const limit = (description: string) => z.number().int().min(0).nullable().meta({ description })

const counter = (unit: string) =>
  z
    .object({
      used: count(`${unit} counted so far.`),
      limit: limit(`${unit} at most; null: no limit.`),
      left: limit('The rest; null: no limit.'),
      resets_at: field.time('When it begins anew.'),
    })
    .meta({ description: `${unit}.` })

export const UsageQuery = z.object({
  days: field.queryInt(`Days to look back, with today: 1 to ${USAGE_DAYS_MAX}.`, {
    max: USAGE_DAYS_MAX,
    usual: 1,
  }),
})
export type UsageQuery = z.output<typeof UsageQuery>

const day = z.iso.date().meta({ description: 'A UTC day.', examples: ['2026-11-20'] })

export const Usage = z
  .object({
    mode: z.enum(['live', 'test']).meta({ description: 'That of the key. Live and test are counted apart.' }),
    day,
    daily: counter('Recipients of today'),
    monthly: counter('Recipients of this month'),
    pool: counter("Today's recipients through the shared pool"),
    own: count('Recipients of today through your own connections.'),
    bytes: counter('Bytes of content stored today'),
    connections: z
      .array(
        z.object({
          connection: field.id('con', 'Its id.'),
          sent: count('Recipients for which it accepted a message.'),
          bounced: count('Bounces of its messages.'),
          complained: count('Complaints about its messages.'),
        }),
      )
      .meta({ description: 'The counts of each connection in these days; brought up to date once an hour.' }),
    days: z
      .array(
        z.object({
          day,
          accepted: count('Recipients.'),
          pool: count('Of these, through the shared pool.'),
          own: count('Of these, through your own connections.'),
          bytes: count('Bytes of content.'),
          limit: limit('Recipients that were allowed on this day; null: not known.'),
        }),
      )
      .meta({ description: 'Newest first. A day without mail has no entry.' }),
  })
  .meta({ id: 'Usage', description: 'The counters, and the rest of each limit.' })
export type Usage = z.output<typeof Usage>

/** Limits of what is counted over a day or a month: they are lowered at the end of a day, and counters show them. */
const counted = {
  recipients_per_day: limit('Recipients of a UTC day.'),
  recipients_per_month: limit('Recipients of a UTC month.'),
  pool_recipients_per_day: limit('Recipients of a UTC day through the shared pool.'),
  bytes_per_day: limit('Bytes of content of a UTC day.'),
}
const { accepted_per_day, accepted_per_month, pool_per_day, bytes_per_day, ...others } = planLimits

export const Plan = z
  .object({
    plan: field.text('The name of the plan.', 'standard'),
    description: field.text('A description by the operator.'),
    limits: z.object({ ...counted, ...others }).meta({ description: 'The limits in force; null: none.' }),
    resources: AllResources,
    features: field.texts('Features of the plan beyond the ordinary.'),
    from_tomorrow: z
      .object(counted)
      .partial()
      .nullable()
      .meta({ description: 'Limits that are lowered with the next UTC day; null: none.' }),
  })
  .meta({ id: 'Plan', description: 'Your plan, and the limits that are in force.' })
export type Plan = z.output<typeof Plan>
