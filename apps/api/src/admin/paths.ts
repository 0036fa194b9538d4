import { z } from 'zod'

export const TenantPath = z.object({
  id: z.string().meta({ description: 'Id of the tenant.', examples: ['ten_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})

export const TenantKeyPath = TenantPath.extend({
  key: z.string().meta({ description: 'Id of the key.', examples: ['key_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})

export const PlanPath = z.object({
  name: z.string().meta({ description: 'Name of the plan.', examples: ['standard'] }),
})
