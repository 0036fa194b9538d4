import { RETRY_HOURS_MAX } from '@lettergate/contracts/admin/tenants'
import { z } from 'zod'

const hoursMessage = `must be a whole number from 1 to ${RETRY_HOURS_MAX}`

export const retryHours = z
  .string()
  .regex(/^\d{1,3}$/, hoursMessage)
  .transform(Number)
  .refine((hours) => hours >= 1 && hours <= RETRY_HOURS_MAX, hoursMessage)
  .optional()

export const tenantName = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200, 'must have at most 200 characters')
