import type { Queryable } from '../pool.ts'

/** Claims whose worker did not begin in time are ready again; answers how many. */
export async function releaseExpiredClaims(db: Queryable, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'release-expired-claims',
    text: `
      update outbox set state = 'ready', lease_until = null
      where message_id in (
        select message_id from outbox where phase = 'held' and state = 'claimed' and lease_until < now()
        order by lease_until limit $1 for update skip locked
      )`,
    values: [limit],
  })
  return rowCount ?? 0
}
