import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from '../../throttle/index.ts'

/** Comes before every connection. */
export const FIRST_CONNECTION: ConnectionKey = {
  tenantId: '00000000-0000-0000-0000-000000000000',
  connectionId: '00000000-0000-0000-0000-000000000000',
}

export type Trimmed = {
  count: number
  /** Where to go on; null: this was the last connection that has events. */
  next: ConnectionKey | null
}

/**
 * Deletes the oldest events beyond `keep` of the next connections, at most `limit` of one connection. Steps from connection to connection by
 * the primary key, so that the cost does not depend on the number of events. Skips locked rows.
 */
export async function trimConnectionEvents(
  db: Queryable,
  after: ConnectionKey,
  bounds: { connections: number; keep: number; limit: number },
): Promise<Trimmed> {
  const { rows } = await db.query<{
    deleted: number
    tenant_id: string | null
    connection_id: string | null
  }>({
    name: 'trim-connection-events',
    text: `
      with recursive walk as (
        (select e.tenant_id, e.connection_id, 1 as n from connection_event e
         where (e.tenant_id, e.connection_id) > ($1::uuid, $2::uuid)
         order by e.tenant_id, e.connection_id limit 1)
        union all
        select f.tenant_id, f.connection_id, w.n + 1
        from walk w cross join lateral (
          select e.tenant_id, e.connection_id from connection_event e
          where (e.tenant_id, e.connection_id) > (w.tenant_id, w.connection_id)
          order by e.tenant_id, e.connection_id limit 1
        ) f
        where w.n < $3::int4
      ), many as materialized (
        select w.tenant_id, w.connection_id, k.seq
        from walk w cross join lateral (
          select e.seq from connection_event e
          where e.tenant_id = w.tenant_id and e.connection_id = w.connection_id
          order by e.seq desc offset $4::int4 limit 1
        ) k
      ), deleted as (
        delete from connection_event where ctid = any(array(
          select o.ctid from many m cross join lateral (
            select e.ctid from connection_event e
            where e.tenant_id = m.tenant_id and e.connection_id = m.connection_id and e.seq <= m.seq
            order by e.seq limit $5::int4 for update skip locked
          ) o))
        returning 1
      )
      select (select count(*) from deleted)::int4 as deleted, l.tenant_id, l.connection_id
      from (select 1) always left join (select * from walk where n = $3::int4) l on true`,
    values: [after.tenantId, after.connectionId, bounds.connections, bounds.keep, bounds.limit],
  })
  const [row] = rows
  const { tenant_id: tenantId = null, connection_id: connectionId = null } = row ?? {}
  return {
    count: row?.deleted ?? 0,
    next: tenantId === null || connectionId === null ? null : { tenantId, connectionId },
  }
}
