import type { Queryable } from '@lettergate/db/pool'

export type OutboxCount = { state: string; count: number; oldestSeconds: number }

/** How many messages are in each state of the outbox, and how long the oldest has been overdue there. */
export async function countOutbox(db: Queryable): Promise<OutboxCount[]> {
  const { rows } = await db.query<OutboxCount>({
    name: 'count-outbox',
    text: `
      select state, count(*)::int4 as count,
             greatest(0, extract(epoch from now() - min(coalesce(sending_at, due_at))))::float8 as "oldestSeconds"
      from outbox group by state`,
  })
  return rows
}
