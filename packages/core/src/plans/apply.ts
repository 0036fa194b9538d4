import type { Queryable } from '@lettergate/db/pool'

/** Tenants that are looked up in one statement. */
const PAGE = 200
const FIRST_TENANT = '00000000-0000-0000-0000-000000000000'

/**
 * Brings a tenant up to its plan and its own limits: higher ones count at once, lower ones from the next day (UTC) on. A change of the
 * tenant's row does so by itself, by a trigger; this is for a change of the plan. Safe to run twice.
 */
export async function applyPlan(db: Queryable, tenantId: string): Promise<void> {
  await db.query({ name: 'apply-plan', text: 'select apply_plan($1)', values: [tenantId] })
}

/** Tenants that a change of their plan has not reached, because the process that made it ended: a few at a time. Answers how many there were. */
export async function applyLateChanges(db: Queryable, limit: number): Promise<number> {
  const { rows } = await db.query<{ id: string }>({
    name: 'tenants-behind-plan',
    text: `
      select t.id from tenant t join plan p on p.name = t.plan
      where t.daily_limit <> coalesce((t.own_limits ->> 'accepted_per_day')::int4, p.accepted_per_day)
      limit $1`,
    values: [limit],
  })
  for (const { id } of rows) await applyPlan(db, id)
  return rows.length
}

/**
 * As `applyPlan`, for every tenant of a plan that was changed, each in a transaction of its own, so that no two wait for each other. Answers
 * where it stopped, to go on from there; null: it is done.
 */
export async function applyPlanToTenants(
  db: Queryable,
  plan: string,
  { after = FIRST_TENANT, isStopped = () => false }: { after?: string; isStopped?: () => boolean } = {},
): Promise<string | null> {
  for (let last = after; ; ) {
    const { rows } = await db.query<{ id: string }>({
      name: 'tenants-of-plan',
      text: 'select id from tenant where plan = $1 and id > $2 order by id limit $3',
      values: [plan, last, PAGE],
    })
    for (const { id } of rows) {
      if (isStopped()) return last
      await applyPlan(db, id)
      last = id
    }
    if (rows.length < PAGE) return null
  }
}
