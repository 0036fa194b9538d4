import type { Queryable } from '@lettergate/db/pool'

/** Forgets which claims were begun long ago, above every lease; not while claims or hand-offs that ran out wait to be judged by it. */
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
