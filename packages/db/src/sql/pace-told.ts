import type { Queryable } from '../pool.ts'
import type { PaceKey } from './pace-read.ts'

/** Keeps what a provider said that a connection may send, and has sent today where it counts more than we do. */
export async function writeTold(
  db: Queryable,
  key: PaceKey,
  told: { perSecond?: number | undefined; perDay?: number | undefined; usedToday?: number | undefined },
): Promise<void> {
  const { usedToday = 0, ...limits } = told
  await db.query({
    name: 'pace-told',
    text: `
      update connection_health
      set told = $3,
          day_used = case when day = (now() at time zone 'utc')::date then greatest(day_used, $4::int4) else $4::int4 end,
          day = (now() at time zone 'utc')::date
      where tenant_id = $1 and connection_id = $2`,
    values: [key.tenantId, key.connectionId, JSON.stringify(limits), Math.floor(usedToday)],
  })
}
