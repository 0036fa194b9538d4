import type { Queryable } from '@lettergate/db/pool'

/** One that is to be served: an endpoint, or the messages' own URLs of a tenant. */
export type ServedState = {
  id: string
  tenantId: string
  mode: 'live' | 'test'
  endpointId: string | null
  isPaused: boolean
}

/** All that may be served; those of disabled endpoints are left out. */
export async function listStates(db: Queryable): Promise<ServedState[]> {
  const { rows } = await db.query<ServedState>({
    name: 'list-endpoint-states',
    text: `
      select s.id, s.tenant_id as "tenantId", s.mode, s.endpoint_id as "endpointId", coalesce(s.paused_until > now(), false) as "isPaused"
      from endpoint_state s left join endpoint e on e.tenant_id = s.tenant_id and e.id = s.endpoint_id
      where s.endpoint_id is null or e.enabled`,
  })
  return rows
}
