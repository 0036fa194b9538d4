import { RETRY_HOURS_MAX } from '@lettergate/contracts/settings/settings'
import { z } from 'zod'
import { wholeNumber } from './option-values.ts'

export const retryHours = wholeNumber(1, RETRY_HOURS_MAX).optional()

export const tenantName = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200, 'must have at most 200 characters')
