import type { Queryable } from '@lettergate/db/pool'

export type SealedHook = { sealed: Buffer; dataKeyVersion: number; version: number }

/** The sealed content of one hook; null if the tenant has none for this connection. */
export async function readSealedHook(
  db: Queryable,
  tenantId: string,
  connectionId: string,
): Promise<SealedHook | null> {
  const { rows } = await db.query<SealedHook>({
    name: 'read-sealed-hook',
    text: `
      select sealed_secrets as sealed, data_key_version as "dataKeyVersion", version
      from hook where tenant_id = $1 and connection_id = $2`,
    values: [tenantId, connectionId],
  })
  return rows[0] ?? null
}
