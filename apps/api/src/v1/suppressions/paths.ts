import { ListedAddress } from '@lettergate/contracts/suppressions/suppressions'
import { z } from 'zod'

export const AddressPath = z.object({ address: ListedAddress })
export type AddressPath = z.output<typeof AddressPath>

export const JobPath = z.object({
  id: z.string().meta({ description: 'Id of the job.', examples: ['job_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})
