import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from './connection-key.ts'

/**
 * Takes the probe of a circuit that is due: true for one worker, until it reports the outcome, returns the probe (`leaseMs` 0), or exceeds
 * the lease.
 */
export async function takeProbe(db: Queryable, key: ConnectionKey, leaseMs: number): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'take-probe',
    text: `
      update connection_health set state = 'half-open', probe_until = now() + $3::float8 * interval '1 ms'
      where tenant_id = $1 and connection_id = $2
        and ((state = 'open' and retry_at <= now()) or (state = 'half-open' and ($3 = 0 or probe_until <= now())))`,
    values: [key.tenantId, key.connectionId, leaseMs],
  })
  return rowCount === 1
}
