import type { Queryable } from '../pool.ts'

/** Replaces the credentials of a connection; messages that are loaded from now on use the new ones. False if there is none of this id. */
export async function updateCredentials(
  db: Queryable,
  tenantId: string,
  id: string,
  credentials: { sealed: Buffer; dataKeyVersion: number },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'connection-credentials-update',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      update connection
      set sealed_credentials = $3, data_key_version = $4, credentials_rotated_at = now(), updated_at = now()
      where tenant_id = $1 and id = $2`,
    values: [tenantId, id, credentials.sealed, credentials.dataKeyVersion],
  })
  return rowCount === 1
}
