import type { Queryable } from '@lettergate/db/pool'

/**
 * Makes scheduled messages and retries ready whose time has come by the database's clock.
 * `nextDueMs`: until the next one; null when none waits. `more`: the limit was reached.
 */
export async function promoteDue(
  db: Queryable,
  limit: number,
): Promise<{ promoted: number; more: boolean; nextDueMs: number | null }> {
  const { rows } = await db.query<{ promoted: number; next_due_ms: number | null }>({
    name: 'promote-due',
    text: `
      with due as (
        select message_id from outbox where phase = 'waiting' and due_at <= now()
        order by due_at limit $1 for update skip locked
      ), promoted as (
        update outbox o set state = 'ready' from due where o.message_id = due.message_id returning 1
      )
      select (select count(*) from promoted)::int4 as promoted,
             (select ceil(extract(epoch from min(due_at) - now()) * 1000)::float8
              from outbox where phase = 'waiting' and due_at > now()) as next_due_ms`,
    values: [limit],
  })
  const promoted = rows[0]?.promoted ?? 0
  return { promoted, more: promoted === limit, nextDueMs: rows[0]?.next_due_ms ?? null }
}
