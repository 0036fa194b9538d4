import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { mapTable } from '../lib/map-table.ts'
import { ChangeResources, Resources } from './resources.ts'

const int4Max = 2_147_483_647
const count = (description: string, least = 0) => z.int().min(least).max(int4Max).meta({ description })
const large = (description: string) => z.int().min(0).meta({ description })

/** Limits that a plan has, and that a tenant may have for itself alone: one row and a column of `plan` for each. */
export const limitFields = {
  accepted_per_day: count('Recipients in a UTC day, of live and of test messages apart.'),
  accepted_per_month: large('Recipients in a month.'),
  pool_per_day: count('Recipients in a day through the shared pool.'),
  bytes_per_day: large('Bytes of content stored in a day.'),
  requests_per_second: count('Requests in a second.', 1),
  recipients_per_message: count('Recipients of one message.', 1),
  message_bytes: count('Bytes of one message.', 1),
  content_days: count('Days after which the content of a message is deleted.', 1),
  record_days: count('Days after which nothing of a message is left.', 1),
}

const { accepted_per_month, pool_per_day, bytes_per_day, requests_per_second } = limitFields

/** Limits that a plan need not have: null is no limit. */
export const optionalLimits = mapTable(
  { accepted_per_month, pool_per_day, bytes_per_day, requests_per_second },
  (limit) => orNull(limit, 'no limit'),
)
/** The limits of a plan. */
export const planLimits = { ...limitFields, ...optionalLimits }

function orNull(limit: z.ZodInt, meaning: string) {
  return limit.nullable().meta({ description: `${limit.description} Null: ${meaning}.` })
}

export const OwnLimits = z
  .object({ ...limitFields, resources: Resources })
  .partial()
  .meta({ id: 'OwnLimits', description: 'Limits of this tenant alone; the others are those of its plan.' })
export type OwnLimits = z.output<typeof OwnLimits>

export const ChangeOwnLimits = field
  .changeOf({
    ...mapTable(limitFields, (limit) => orNull(limit, 'that of the plan again')),
    resources: ChangeResources,
  })
  .meta({
    id: 'ChangeOwnLimits',
    description:
      'Limits of this tenant alone. Limits that are left out stay as they are; null: that of the plan again.',
  })
export type ChangeOwnLimits = z.output<typeof ChangeOwnLimits>
