import type { Queryable } from '@lettergate/db/pool'

/** A key's shown part and its tenant; null: the operator. */
export type OldKeyRow = { tenant_id: string | null; display: string }

/** Keys that are good now and are not known to be hashed by this pepper: what would end with the pepper before it, or less. */
export async function listKeysOfOtherPeppers(
  db: Queryable,
  pepperVersion: number,
  limit: number,
): Promise<{ count: number; keys: OldKeyRow[] }> {
  const { rows } = await db.query<OldKeyRow & { count: number }>({
    text: `
      select tenant_id, display, count(*) over ()::int4 as count from api_key
      where pepper_version is distinct from $1 and revoked_at is null and (expires_at is null or expires_at > now())
      order by tenant_id nulls first, id limit $2`,
    values: [pepperVersion, limit],
  })
  return { count: rows[0]?.count ?? 0, keys: rows.map(({ tenant_id, display }) => ({ tenant_id, display })) }
}
