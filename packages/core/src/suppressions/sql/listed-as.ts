import type { Queryable } from '@lettergate/db/pool'

/** The forms in which an address, in lower case, may be listed: itself, and its hash if the tenant ever erased an address. */
export async function listedAs(
  db: Queryable,
  { tenantId, address }: { tenantId: string; address: string },
): Promise<string[]> {
  const { rows } = await db.query<{ hash: string | null }>({
    name: 'suppression-hash',
    text: 'select erased_address($1, $2) as hash',
    values: [tenantId, address],
  })
  return [address, ...rows.flatMap(({ hash }) => (hash === null ? [] : [hash]))]
}
