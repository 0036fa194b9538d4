import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from '../../throttle/index.ts'

/**
 * Forgets what workers wrote of connections that were deleted meanwhile, among the next `page` that have rows. Answers how many, and
 * where to go on (null: the end was reached).
 */
export async function forgetGoneConnections(
  db: Queryable,
  after: ConnectionKey,
  page: number,
): Promise<{ count: number; next: ConnectionKey | null }> {
  const { rows } = await db.query<{
    forgotten: number
    next_tenant: string | null
    next_connection: string | null
  }>({
    name: 'forget-gone-connections',
    text: 'select * from forget_gone_connections($1::uuid, $2::uuid, $3::int4)',
    values: [after.tenantId, after.connectionId, page],
  })
  const { forgotten = 0, next_tenant: tenantId = null, next_connection: connectionId = null } = rows[0] ?? {}
  return {
    count: forgotten,
    next: tenantId === null || connectionId === null ? null : { tenantId, connectionId },
  }
}
