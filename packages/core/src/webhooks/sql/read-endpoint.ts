import type { Queryable } from '@lettergate/db/pool'

export type EndpointToCall = {
  url: string
  types: string[] | null
  tags: string[] | null
  streams: string[] | null
  format: string
  max_events: number
  max_wait_ms: number
  sealed_secrets: Buffer
  data_key_version: number
  enabled: boolean
  /** Another one after each change by its owner. */
  version: string
}

/** All that a call needs; null: the endpoint was deleted. */
export async function readEndpointToCall(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<EndpointToCall | null> {
  const { rows } = await db.query<EndpointToCall>({
    name: 'read-endpoint-to-call',
    text: `
      select url, to_json(types) as types, to_json(tags) as tags, to_json(streams) as streams, format, max_events, max_wait_ms, sealed_secrets,
             data_key_version, enabled, updated_at::text as version
      from endpoint where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
  })
  return rows[0] ?? null
}
