import type { Queryable } from '@lettergate/db/pool'

export type Released = {
  count: number
  /** Where the walk over tenants that have changed something stopped; null: it came to the end. */
  next: string | null
}

/**
 * Makes messages ready that wait for their turn at a connection, of the tenants that come next and have changed their connections,
 * limits or routes since: what they wait for may be no more; `limit` at most of one tenant. Safe to lose and to run twice: a tenant
 * counts as done once none is left, though somebody else may hold it at this moment. The tenant's row is locked first, as by every
 * change of its connections; whoever is just being changed or looked at by another worker has its turn next time.
 */
export async function releaseWaiting(
  db: Queryable,
  after: string,
  bounds: { tenants: number; limit: number },
): Promise<Released> {
  const { rows } = await db.query<{ n: number; next: string | null }>({
    name: 'release-waiting',
    text: `
      with changed as materialized (
        select id, connections_version as version from tenant
        where connections_version <> released_version and id > $1::uuid
        order by id limit $2 for no key update skip locked
      ), due as materialized (
        select c.id, o.message_id from changed c cross join lateral (
          select w.message_id from outbox w
          where w.tenant_id = c.id and w.phase = 'waiting' and w.wait_version is not null and w.wait_version <> c.version
          limit $3 for update skip locked
        ) o
      ), released as (
        update outbox o set state = 'ready', due_at = now() from due where o.message_id = due.message_id returning 1
      ), done as (
        update tenant t set released_version = c.version from changed c
        where t.id = c.id and not exists (
          select from outbox w
          where w.tenant_id = c.id and w.phase = 'waiting' and w.wait_version is not null and w.wait_version <> c.version
            and w.message_id not in (select message_id from due))
      )
      select (select count(*) from released)::int4 as n,
             (select id from changed order by id offset $2 - 1 limit 1) as next`,
    values: [after, bounds.tenants, bounds.limit],
  })
  const [row] = rows
  return { count: row?.n ?? 0, next: row?.next ?? null }
}
