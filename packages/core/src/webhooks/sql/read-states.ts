import type { Queryable } from '@lettergate/db/pool'

/** How calls to an endpoint go. */
export type EndpointStateRow = {
  failingSince: Date | null
  pausedUntil: Date | null
  lastSuccessAt: Date | null
}

export async function readStates(
  db: Queryable,
  tenantId: string,
): Promise<ReadonlyMap<string, EndpointStateRow>> {
  const { rows } = await db.query<EndpointStateRow & { id: string }>({
    name: 'read-endpoint-states',
    text: `
      select id, failing_since as "failingSince", case when paused_until > now() then paused_until end as "pausedUntil",
             last_success_at as "lastSuccessAt"
      from endpoint_state where tenant_id = $1 and endpoint_id is not null`,
    values: [tenantId],
  })
  return new Map(rows.map(({ id, ...state }) => [id, state]))
}
