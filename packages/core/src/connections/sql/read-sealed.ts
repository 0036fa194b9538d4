import type { Queryable } from '@lettergate/db/pool'
import type { SealedConnection } from './sealed-connection.ts'

export type SealedConnectionRow = Pick<
  SealedConnection,
  'id' | 'provider' | 'settings' | 'sealedCredentials' | 'dataKeyVersion' | 'credentialsSince'
>

/** One connection with its sealed credentials, enabled or not; null if the tenant has none of this id. */
export async function readSealedConnection(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<SealedConnectionRow | null> {
  const { rows } = await db.query<SealedConnectionRow>({
    name: 'read-sealed',
    text: `
      select id, provider, settings, sealed_credentials as "sealedCredentials", data_key_version as "dataKeyVersion",
             extract(epoch from coalesce(credentials_rotated_at, created_at))::text as "credentialsSince"
      from connection where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
  })
  return rows[0] ?? null
}
