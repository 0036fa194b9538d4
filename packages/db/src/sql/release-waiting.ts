import type { Queryable } from '../pool.ts'

/** Tenants in one step. */
const TENANTS_MAX = 50

/**
 * Makes messages ready that wait for their turn at a connection, of tenants that have changed their connections, limits or routes
 * since: what they wait for may be no more. Safe to lose and to run twice: a tenant counts as done once none is left.
 */
export async function releaseWaiting(db: Queryable, limit: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'release-waiting',
    text: `
      with changed as materialized (
        select id, connections_version as version from tenant where connections_version <> released_version
        order by id limit $2
      ), due as materialized (
        select c.id, o.message_id from changed c cross join lateral (
          select w.message_id from outbox w
          where w.tenant_id = c.id and w.phase = 'waiting' and w.wait_version is not null and w.wait_version <> c.version
          limit $1 for update skip locked
        ) o
      ), released as (
        update outbox o set state = 'ready', due_at = now() from due where o.message_id = due.message_id returning 1
      ), done as (
        update tenant t set released_version = c.version from changed c
        where t.id = c.id and (select count(*) from due where due.id = c.id) < $1
      )
      select count(*)::int4 as n from released`,
    values: [limit, TENANTS_MAX],
  })
  return rows[0]?.n ?? 0
}
