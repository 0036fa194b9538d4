import type { Queryable } from '@lettergate/db/pool'

/** Reads the recent health of a connection, over all workers. */
export type ConnectionHealthRow = {
  connection_id: string
  state: 'closed' | 'open' | 'half-open'
  since: Date | null
  code: string | null
  reason: string | null
  paused_until: Date | null
  concurrency: number | null
}

/** The health of a tenant's connections, or of the one named. One of which nothing was written yet is missing: it is well. */
export async function readHealthOf(
  db: Queryable,
  tenantId: string,
  id: string | null = null,
): Promise<ConnectionHealthRow[]> {
  const { rows } = await db.query<ConnectionHealthRow>({
    name: 'read-health-of',
    text: `
      select connection_id, state, since, code, coalesce(reason, case when paused_until > now() then pause_reason end) as reason,
             case when paused_until > now() then paused_until end as paused_until, concurrency
      from connection_health where tenant_id = $1 and ($2::uuid is null or connection_id = $2)`,
    values: [tenantId, id],
  })
  return rows
}
