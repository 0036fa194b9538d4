import { z } from 'zod'

export const DataJobPath = z.object({
  id: z.string().meta({ description: 'Id of the job.', examples: ['job_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})

export const TenantPath = z.object({
  id: z.string().meta({ description: 'Id of the tenant.', examples: ['ten_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})

/** The file of an export, for the reference. */
export const ExportFile = z
  .string()
  .describe('One JSON object a line: {"table": "message", "row": {…}}, by table and key.')
