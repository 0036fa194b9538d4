import { column, rowArray } from '@lettergate/db/composite-rows'

/** Claims, as the statements about them take them. */
export const claimKeyArray = rowArray<{ tenantId: string; messageId: string; epoch: number }>('claim_key', [
  column('uuid', (claim) => claim.tenantId),
  column('uuid', (claim) => claim.messageId),
  column('int8', (claim) => claim.epoch),
])
