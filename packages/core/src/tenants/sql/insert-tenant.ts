import type { Queryable } from '@lettergate/db/pool'

const text = `insert into tenant (id, name, plan, daily_limit) values ($1, $2, $3, $4)`

/** Stores a new tenant. */
export async function insertTenant(
  db: Queryable,
  tenant: { id: string; name: string; plan: string; dailyLimit: number },
): Promise<void> {
  await db.query({ text, values: [tenant.id, tenant.name, tenant.plan, tenant.dailyLimit] })
}
