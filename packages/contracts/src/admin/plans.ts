import { z } from 'zod'
import { EgressRule } from '../egress/rules.ts'
import * as field from '../lib/fields.ts'
import { mapTable } from '../lib/map-table.ts'
import { optionalLimits, planLimits } from './limits.ts'
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

const fields = { description, ...planLimits }

export const CreatePlanRequest = z
  .strictObject({
    name,
    ...fields,
    description: description.default(''),
    ...mapTable(optionalLimits, (limit) => limit.default(null)),
    recipients_per_message: fields.recipients_per_message.default(1_000),
    message_bytes: fields.message_bytes.default(41_943_040),
    content_days: fields.content_days.default(30),
    record_days: fields.record_days.default(90),
    resources: NewResources.default({}),
    egress: egress.default(null),
    features: features.default([]),
  })
  .meta({ id: 'CreatePlanRequest', description: 'A new plan. Null: no limit.' })
export type CreatePlanRequest = z.output<typeof CreatePlanRequest>

export const UpdatePlanRequest = field
  .changeOf({ ...fields, resources: NewResources, egress, features })
  .meta({
    id: 'UpdatePlanRequest',
    description: 'Changes to a plan. Fields left out stay as they are; null: no limit.',
  })
export type UpdatePlanRequest = z.output<typeof UpdatePlanRequest>

export const Plan = z
  .object({
    name,
    ...fields,
    egress,
    features,
    resources: Resources,
    tenants: field.int('Tenants with this plan.'),
    created_at: field.time('When it was created.'),
    updated_at: field.time('When it was changed last.'),
  })
  .meta({
    id: 'AdminPlan',
    description: 'A plan: its tenants may do this, and as much as it says. Null: no limit.',
  })
export type Plan = z.output<typeof Plan>

export const PlanList = field
  .listOf(Plan, 'By name.')
  .meta({ id: 'AdminPlanList', description: 'All plans.' })
export type PlanList = z.output<typeof PlanList>
