import type { Queryable } from '@lettergate/db/pool'
import { POOL_TENANT_ID } from '../../lib/index.ts'

/** The version of the pool for which waiting messages are still to be looked at; null: none. */
export async function readPoolChange(db: Queryable): Promise<number | null> {
  const { rows } = await db.query<{ version: number }>({
    name: 'read-pool-change',
    text: `select connections_version as version from tenant where id = $1 and connections_version <> released_version`,
    values: [POOL_TENANT_ID],
  })
  return rows[0]?.version ?? null
}

/**
 * Raises the versions of the next tenants that have messages waiting for connections: a change of the pool's may be what they wait for, and
 * `releaseWaiting` does the rest. Answers where it stopped; null: the end. Safe to run twice, and beside itself.
 */
export async function releaseForPool(db: Queryable, after: string, limit: number): Promise<string | null> {
  const { rows } = await db.query<{ next: string | null }>({
    name: 'release-for-pool',
    text: `
      with page as materialized (
        select id from tenant where id > $1 and id <> '${POOL_TENANT_ID}' order by id limit $2
      ), waiting as materialized (
        select t.id from tenant t
        where t.id in (select id from page) and exists (
          select from outbox o where o.tenant_id = t.id and o.phase = 'waiting' and o.wait_version is not null)
        order by t.id for no key update
      ), raised as (
        update tenant t set connections_version = t.connections_version + 1 from waiting w where t.id = w.id
      )
      select (select id from page order by id offset $2 - 1 limit 1) as next`,
    values: [after, limit],
  })
  return rows[0]?.next ?? null
}

/** All tenants were looked at for this version; a later one is still to come. */
export async function markPoolReleased(db: Queryable, version: number): Promise<void> {
  await db.query({
    name: 'mark-pool-released',
    text: 'update tenant set released_version = $2 where id = $1',
    values: [POOL_TENANT_ID, version],
  })
}
