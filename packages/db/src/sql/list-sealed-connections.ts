import type { Queryable } from '../pool.ts'

export type SealedConnection = {
  id: string
  provider: string
  settings: unknown
  sealedCredentials: Buffer
  dataKeyVersion: number
}

/** A tenant's enabled connections with their sealed credentials, in the order in which they are to be used. */
export async function listSealedConnections(db: Queryable, tenantId: string): Promise<SealedConnection[]> {
  const { rows } = await db.query<{
    id: string
    provider: string
    settings: unknown
    sealed_credentials: Buffer
    data_key_version: number
  }>({
    name: 'list-sealed-connections',
    text: `
      select id, provider, settings, sealed_credentials, data_key_version
      from connection where tenant_id = $1 and enabled order by priority, id`,
    values: [tenantId],
  })
  return rows.map((row) => ({
    id: row.id,
    provider: row.provider,
    settings: row.settings,
    sealedCredentials: row.sealed_credentials,
    dataKeyVersion: row.data_key_version,
  }))
}
