import type { Queryable } from '../pool.ts'

/** Keys that are good now and are not known to be hashed by this pepper: what would end with the pepper before it, or less. */
export async function countKeysOfOtherPeppers(db: Queryable, pepperVersion: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    text: `
      select count(*)::int4 as n from api_key
      where pepper_version is distinct from $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    values: [pepperVersion],
  })
  return rows[0]?.n ?? 0
}
