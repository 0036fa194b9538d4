import type { Queryable } from '@lettergate/db/pool'

/** Stores a new tenant; `retryHours` null: the default of its column. */
export async function insertTenant(
  db: Queryable,
  tenant: { id: string; name: string; plan: string; dailyLimit: number; retryHours: number | null },
): Promise<void> {
  const { id, name, plan, dailyLimit, retryHours } = tenant
  await db.query({
    text: `insert into tenant (id, name, plan, daily_limit) values ($1, $2, $3, $4)`,
    values: [id, name, plan, dailyLimit],
  })
  if (retryHours === null) return
  await db.query({ text: `update tenant set retry_hours = $2 where id = $1`, values: [id, retryHours] })
}
