import type { Queryable } from '@lettergate/db/pool'

/** Deletes hours that no window looks at, and the tenants of messages whose events do not come any more. */
export async function forgetReputation(db: Queryable, limit: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'forget-reputation',
    text: `
      with hours as (
        delete from reputation_hour where (tenant_id, hour) in (
          select tenant_id, hour from reputation_hour where hour < now() - interval '9 days' limit $1 for update skip locked)
        returning 1
      ), messages as (
        delete from pool_message where (message_id, connection_id) in (
          select message_id, connection_id from pool_message where sent_at < now() - interval '40 days' limit $1 for update skip locked)
        returning 1
      )
      select greatest((select count(*) from hours), (select count(*) from messages))::int4 as n`,
    values: [limit],
  })
  return rows[0]?.n ?? 0
}
