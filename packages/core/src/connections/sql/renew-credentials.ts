import type { Queryable } from '@lettergate/db/pool'

type Sealed = { sealed: Buffer; dataKeyVersion: number }

/**
 * Replaces the credentials that were read by renewed ones, unless others were stored meanwhile. False if so, or if the connection is gone.
 */
export async function renewCredentials(
  db: Queryable,
  tenantId: string,
  id: string,
  credentials: { read: Sealed; renewed: Sealed },
): Promise<boolean> {
  const { read, renewed } = credentials
  const { rowCount } = await db.query({
    name: 'renew-credentials',
    // Neither the version of the tenant's connections nor a time that clients see: nothing that anybody chose has changed, and
    // credentials that workers have open stay valid until they are opened again.
    text: `
      update connection set sealed_credentials = $5, data_key_version = $6
      where tenant_id = $1 and id = $2 and sealed_credentials = $3 and data_key_version = $4`,
    values: [tenantId, id, read.sealed, read.dataKeyVersion, renewed.sealed, renewed.dataKeyVersion],
  })
  return rowCount === 1
}
