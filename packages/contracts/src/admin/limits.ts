import { z } from 'zod'
import { ChangeResources, Resources } from './resources.ts'

const int4Max = 2_147_483_647
const count = (description: string, least = 0) => z.int().min(least).max(int4Max).meta({ description })
const large = (description: string) => z.int().min(0).meta({ description })

/** Limits that a plan has, and that a tenant may have for itself alone. Null where a plan sets no limit. */
export const limitFields = {
  accepted_per_day: count('Recipients in a UTC day, of live and of test messages apart.'),
  accepted_per_month: large('Recipients in a month.'),
  pool_per_day: count('Recipients in a day through the shared pool.'),
  bytes_per_day: large('Bytes of content stored in a day.'),
  requests_per_second: count('Requests in a second.', 1),
  recipients_per_message: count('Recipients of one message.', 1),
  message_bytes: count('Bytes of one message.', 1),
  content_days: count('Days after which content is deleted.', 1),
  record_days: count('Days after which nothing of a message is left.', 1),
}

/** A limit, or null; `none` says what null means. */
export function orNone<T extends z.ZodType>(field: T, none: string): z.ZodNullable<T> {
  return field.nullable().meta({ description: `${field.meta()?.description ?? ''} Null: ${none}.` })
}

export const OwnLimits = z
  .object({
    accepted_per_day: limitFields.accepted_per_day.optional(),
    accepted_per_month: limitFields.accepted_per_month.optional(),
    pool_per_day: limitFields.pool_per_day.optional(),
    bytes_per_day: limitFields.bytes_per_day.optional(),
    requests_per_second: limitFields.requests_per_second.optional(),
    recipients_per_message: limitFields.recipients_per_message.optional(),
    message_bytes: limitFields.message_bytes.optional(),
    content_days: limitFields.content_days.optional(),
    record_days: limitFields.record_days.optional(),
    resources: Resources.optional(),
  })
  .meta({ id: 'OwnLimits', description: 'Limits of this tenant alone; the others are those of its plan.' })
export type OwnLimits = z.output<typeof OwnLimits>

const PLANS = 'that of the plan again'

export const ChangeOwnLimits = z
  .strictObject({
    accepted_per_day: orNone(limitFields.accepted_per_day, PLANS).optional(),
    accepted_per_month: orNone(limitFields.accepted_per_month, PLANS).optional(),
    pool_per_day: orNone(limitFields.pool_per_day, PLANS).optional(),
    bytes_per_day: orNone(limitFields.bytes_per_day, PLANS).optional(),
    requests_per_second: orNone(limitFields.requests_per_second, PLANS).optional(),
    recipients_per_message: orNone(limitFields.recipients_per_message, PLANS).optional(),
    message_bytes: orNone(limitFields.message_bytes, PLANS).optional(),
    content_days: orNone(limitFields.content_days, PLANS).optional(),
    record_days: orNone(limitFields.record_days, PLANS).optional(),
    resources: ChangeResources.optional(),
  })
  .meta({
    id: 'ChangeOwnLimits',
    description:
      'Limits of this tenant alone. Limits that are left out stay as they are; null: that of the plan again.',
  })
export type ChangeOwnLimits = z.output<typeof ChangeOwnLimits>
