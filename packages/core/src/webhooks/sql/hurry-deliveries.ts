import type { Queryable } from '@lettergate/db/pool'

/** Makes due now what waits for a later attempt at an endpoint: `$1` tenant, `$2` endpoint. In the order of ids, as every statement locks them. */
export const HURRY_DELIVERIES = `
  update delivery set due_at = now()
  where id in (
    select id from delivery
    where tenant_id = $1::uuid and endpoint_id = $2::uuid and state = 'waiting' and due_at > now() order by id for update)`

/** An endpoint answers again: that wait was for it to come back. */
export async function hurryDeliveries(db: Queryable, tenantId: string, endpointId: string): Promise<void> {
  await db.query({ name: 'hurry-deliveries', text: HURRY_DELIVERIES, values: [tenantId, endpointId] })
}
