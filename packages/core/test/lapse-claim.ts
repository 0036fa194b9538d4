import type { Queryable } from '@lettergate/db/pool'

/** Ends the lease of a claim whose worker is known to be gone: the sweeper need not wait for it. */
export async function lapseClaim(
  db: Queryable,
  claim: { tenantId: string; messageId: string; epoch: number },
): Promise<void> {
  await db.query({
    name: 'lapse-claim',
    text: `
      update outbox set lease_until = now()
      where tenant_id = $1 and message_id = $2 and epoch = $3 and state in ('claimed', 'sending')`,
    values: [claim.tenantId, claim.messageId, claim.epoch],
  })
}
