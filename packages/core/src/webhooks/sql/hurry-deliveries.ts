import type { Queryable } from '@lettergate/db/pool'

/** An endpoint answers again: what waits for a later attempt is due now, since that wait was for it to come back. */
export async function hurryDeliveries(db: Queryable, tenantId: string, endpointId: string): Promise<void> {
  await db.query({
    name: 'hurry-deliveries',
    text: `
      update delivery set due_at = now()
      where tenant_id = $1 and endpoint_id = $2 and state = 'waiting' and due_at > now()`,
    values: [tenantId, endpointId],
  })
}
