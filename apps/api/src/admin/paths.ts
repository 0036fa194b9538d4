import { z } from 'zod'
import { exampleId, TenantPath } from '../http/schemas.ts'

export const TenantKeyPath = TenantPath.extend({
  key: z.string().meta({ description: 'Id of the key.', examples: [exampleId('key')] }),
})

export const PlanPath = z.object({
  name: z.string().meta({ description: 'Name of the plan.', examples: ['standard'] }),
})
