import type { Queryable } from '@lettergate/db/pool'

/** Forgets idempotency keys older than 24 h, a bounded number at a time; answers how many. */
export async function expireIdempotency(db: Queryable, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire-idempotency',
    text: `
      delete from idempotency where ctid = any(array(
        select ctid from idempotency where created_at < now() - interval '24 hours' limit $1 for update skip locked))`,
    values: [limit],
  })
  return rowCount ?? 0
}
