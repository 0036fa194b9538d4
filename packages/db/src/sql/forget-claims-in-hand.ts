import type { Queryable } from '../pool.ts'

/** Forgets which claims were begun long ago: they have ended, or were released. Far above the lease of a claim. */
export async function forgetClaimsInHand(db: Queryable): Promise<number> {
  const { rowCount } = await db.query({
    name: 'forget-claims-in-hand',
    text: "delete from claim_in_hand where at < now() - interval '2 minutes'",
  })
  return rowCount ?? 0
}
