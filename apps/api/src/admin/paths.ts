import * as field from '@lettergate/contracts/lib/fields'
import { z } from 'zod'
import { TenantPath } from '../http/schemas.ts'

export const TenantKeyPath = TenantPath.extend({
  key: field.id('key', 'Id of the key.'),
})

export const PlanPath = z.object({
  name: z.string().meta({ description: 'Name of the plan.', examples: ['standard'] }),
})
