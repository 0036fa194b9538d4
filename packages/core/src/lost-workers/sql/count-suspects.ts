import type { Queryable } from '@lettergate/db/pool'
import { LOST_WORKERS_MAX } from './lost-workers.ts'

/** Counts the messages that wait for a process of their own, up to `max`. */
export async function countSuspects(db: Queryable, max: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'count-suspects',
    text: `
      select count(*)::int4 as n from (
        select from outbox where lost_workers > 0 and lost_workers < $1::int4 and phase = 'ready' limit $2) s`,
    values: [LOST_WORKERS_MAX, max],
  })
  return rows[0]?.n ?? 0
}
