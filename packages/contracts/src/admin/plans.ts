import { z } from 'zod'
import { EgressRule } from '../egress/rules.ts'
import { time } from '../lib/schema-parts.ts'
import { limitFields, orNone } from './limits.ts'
import { NewResources, Resources } from './resources.ts'

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, at most 40')
  .meta({ description: 'Name of the plan. It cannot be changed.', examples: ['standard'] })
const description = z.string().max(500).meta({ description: 'A remark of yours.' })
const egress = z
  .array(EgressRule)
  .max(25)
  .nullable()
  .meta({ description: 'Where connections and callbacks may go; null: the public internet.' })
const features = z
  .array(z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/))
  .max(100)
  .meta({ description: 'Features.' })

/** Null: no limit. */
const fields = {
  description,
  accepted_per_day: limitFields.accepted_per_day,
  accepted_per_month: orNone(limitFields.accepted_per_month, 'no limit'),
  pool_per_day: orNone(limitFields.pool_per_day, 'no limit'),
  bytes_per_day: orNone(limitFields.bytes_per_day, 'no limit'),
  requests_per_second: orNone(limitFields.requests_per_second, 'no limit'),
  recipients_per_message: limitFields.recipients_per_message,
  message_bytes: limitFields.message_bytes,
  content_days: limitFields.content_days,
  record_days: limitFields.record_days,
  egress,
  features,
}

export const CreatePlanRequest = z
  .strictObject({
    name,
    description: fields.description.default(''),
    accepted_per_day: fields.accepted_per_day,
    accepted_per_month: fields.accepted_per_month.default(null),
    pool_per_day: fields.pool_per_day.default(null),
    bytes_per_day: fields.bytes_per_day.default(null),
    requests_per_second: fields.requests_per_second.default(null),
    recipients_per_message: fields.recipients_per_message.default(1_000),
    message_bytes: fields.message_bytes.default(41_943_040),
    content_days: fields.content_days.default(30),
    record_days: fields.record_days.default(90),
    resources: NewResources.default({}),
    egress: fields.egress.default(null),
    features: fields.features.default([]),
  })
  .meta({ id: 'CreatePlanRequest', description: 'A new plan. Null: no limit.' })
export type CreatePlanRequest = z.output<typeof CreatePlanRequest>

export const UpdatePlanRequest = z
  .strictObject({
    description: fields.description.optional(),
    accepted_per_day: fields.accepted_per_day.optional(),
    accepted_per_month: fields.accepted_per_month.optional(),
    pool_per_day: fields.pool_per_day.optional(),
    bytes_per_day: fields.bytes_per_day.optional(),
    requests_per_second: fields.requests_per_second.optional(),
    recipients_per_message: fields.recipients_per_message.optional(),
    message_bytes: fields.message_bytes.optional(),
    content_days: fields.content_days.optional(),
    record_days: fields.record_days.optional(),
    resources: NewResources.optional(),
    egress: fields.egress.optional(),
    features: fields.features.optional(),
  })
  .meta({
    id: 'UpdatePlanRequest',
    description: 'Changes to a plan. Fields left out stay as they are; null: no limit.',
  })
export type UpdatePlanRequest = z.output<typeof UpdatePlanRequest>

export const Plan = z
  .object({
    name,
    ...fields,
    resources: Resources,
    tenants: z.int().meta({ description: 'Tenants with this plan.' }),
    created_at: time('When it was created.'),
    updated_at: time('When it was changed last.'),
  })
  .meta({
    id: 'AdminPlan',
    description: 'A plan: its tenants may do this, and as much as it says. Null: no limit.',
  })
export type Plan = z.output<typeof Plan>

export const PlanList = z
  .object({ data: z.array(Plan).meta({ description: 'By name.' }) })
  .meta({ id: 'AdminPlanList', description: 'All plans.' })
export type PlanList = z.output<typeof PlanList>
