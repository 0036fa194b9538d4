import type { Queryable } from '@lettergate/db/pool'

/** Forgets which claims were begun long ago, far above the lease of a claim; not while claims that ran out wait to be judged by it. */
export async function forgetClaimsInHand(db: Queryable): Promise<number> {
  const { rowCount } = await db.query({
    name: 'forget-claims-in-hand',
    text: `
      delete from claim_in_hand
      where at < now() - interval '2 minutes'
        and not exists (select from outbox where phase = 'held' and state = 'claimed' and lease_until < now())`,
  })
  return rowCount ?? 0
}
