import type { Queryable } from '@lettergate/db/pool'

/** Exchanges the hash of a key that was just verified for one by another pepper; false if there is no such key any more. */
export async function rehashKey(
  db: Queryable,
  key: { from: Buffer; to: Buffer; pepperVersion: number },
): Promise<boolean> {
  const { rows } = await db.query<{ rehashed: boolean }>({
    name: 'rehash-key',
    text: 'select rehash_key($1, $2, $3) as rehashed',
    values: [key.from, key.to, key.pepperVersion],
  })
  return rows[0]?.rehashed === true
}
