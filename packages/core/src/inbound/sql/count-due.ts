import type { Queryable } from '@lettergate/db/pool'

/** How many mails wait to be acted on, counted up to `max`, and for how long the first of them has. */
export async function countDue(db: Queryable, max: number): Promise<{ count: number; oldestMs: number }> {
  const { rows } = await db.query<{ count: number; oldestMs: number | null }>({
    name: 'count-inbound-due',
    text: `
      select (select count(*)::int4 from (select from inbound_due limit $1) d) as count,
             (select extract(epoch from now() - due_at)::float8 * 1000 from inbound_due order by due_at limit 1) as "oldestMs"`,
    values: [max],
  })
  return { count: rows[0]?.count ?? 0, oldestMs: Math.max(rows[0]?.oldestMs ?? 0, 0) }
}
