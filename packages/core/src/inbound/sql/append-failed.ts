import type { Queryable } from '@lettergate/db/pool'
import { appendAccountEvents, NOTIFY_FEED } from '../../lib/index.ts'

/** Writes the event that a received mail could not be given on. */
export async function appendFailed(
  db: Queryable,
  tenantId: string,
  { reason, inbound }: { reason: string; inbound: string },
): Promise<void> {
  await db.query({
    name: 'append-inbound-failed',
    text: `
      with ${appendAccountEvents(`
        select $1::uuid as tenant_id, 'inbound.failed' as type,
               json_build_object('reason', $2::text, 'detail', json_build_object('inbound', $3::text)) as data`)}
      select ${NOTIFY_FEED}`,
    values: [tenantId, reason, inbound],
  })
}
