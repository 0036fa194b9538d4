import { ListedAddress } from '@lettergate/contracts/suppressions/suppressions'
import { z } from 'zod'

export const AddressPath = z.object({ address: ListedAddress })
export type AddressPath = z.output<typeof AddressPath>
