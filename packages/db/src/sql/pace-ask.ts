import type { Queryable } from '../pool.ts'
import type { PaceKey } from './pace-read.ts'

/** True for one worker every `everyMs`: it asks the provider what this connection may send. */
export async function mayAskLimits(db: Queryable, key: PaceKey, everyMs: number): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'pace-ask',
    text: `
      update connection_health set asked_at = now()
      where tenant_id = $1 and connection_id = $2
        and (asked_at is null or asked_at < now() - $3::float8 * interval '1 ms')`,
    values: [key.tenantId, key.connectionId, everyMs],
  })
  return rowCount === 1
}
