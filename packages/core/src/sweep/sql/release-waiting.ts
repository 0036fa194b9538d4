import type { Queryable } from '@lettergate/db/pool'
import { POOL_TENANT_ID } from '../../lib/index.ts'

export type Released = {
  count: number
  /** Where the walk over tenants that have changed something stopped; null: it came to the end. */
  next: string | null
}

/**
 * Releases messages that wait for a connection, for the next tenants that have changed their connections, limits or routes: the reason to
 * wait may be gone. At most `limit` of one tenant. Safe to run twice: a tenant is done once no waiting message is left, not counting locked
 * rows. The tenant's row is locked first, as by every change of its connections; locked tenants are skipped until the next run.
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
        where connections_version <> released_version and id > $1::uuid and id <> '${POOL_TENANT_ID}'
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
