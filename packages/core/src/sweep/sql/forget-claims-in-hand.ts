import type { Queryable } from '@lettergate/db/pool'

/** Deletes old records of begun claims, beyond every lease; not while expired claims or attempts still need them. */
export async function forgetClaimsInHand(db: Queryable): Promise<number> {
  const { rowCount } = await db.query({
    name: 'forget-claims-in-hand',
    text: `
      delete from claim_in_hand
      where at < now() - interval '2 minutes'
        and not exists (select from outbox where phase = 'held' and lease_until < now())`,
  })
  return rowCount ?? 0
}
