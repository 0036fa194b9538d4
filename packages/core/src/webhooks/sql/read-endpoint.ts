import type { Queryable } from '@lettergate/db/pool'

export type EndpointToCall = {
  url: string
  types: string[] | null
  tags: string[] | null
  streams: string[] | null
  max_events: number
  max_wait_ms: number
  sealed_secrets: Buffer
  data_key_version: number
  enabled: boolean
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
      select url, to_json(types) as types, to_json(tags) as tags, to_json(streams) as streams, max_events, max_wait_ms, sealed_secrets,
             data_key_version, enabled
      from endpoint where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
  })
  return rows[0] ?? null
}

export type DefaultSecretRow = { id: string; sealed_secrets: Buffer; data_key_version: number }

export async function readDefaultSecretRow(
  db: Queryable,
  tenantId: string,
  mode: string,
): Promise<DefaultSecretRow | null> {
  const { rows } = await db.query<DefaultSecretRow>({
    name: 'read-default-secret',
    text: 'select id, sealed_secrets, data_key_version from default_secret where tenant_id = $1 and mode = $2',
    values: [tenantId, mode],
  })
  return rows[0] ?? null
}
