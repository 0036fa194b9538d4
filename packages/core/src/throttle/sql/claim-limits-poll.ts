import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from './connection-key.ts'

/**
 * Lets one worker every `everyMs` poll the limits of this connection. Answers the present count of the provider's day; null: another worker
 * has polled.
 */
export async function claimLimitsPoll(
  db: Queryable,
  key: ConnectionKey,
  everyMs: number,
): Promise<number | null> {
  const { rows } = await db.query<{ used: number }>({
    name: 'claim-limits-poll',
    text: `
      update connection_health set asked_at = now()
      where tenant_id = $1 and connection_id = $2
        and (asked_at is null or asked_at < now() - $3::float8 * interval '1 ms')
      returning coalesce((
        select u.reported_used from connection_usage u where u.tenant_id = $1 and u.connection_id = $2), 0) as used`,
    values: [key.tenantId, key.connectionId, everyMs],
  })
  return rows[0]?.used ?? null
}
