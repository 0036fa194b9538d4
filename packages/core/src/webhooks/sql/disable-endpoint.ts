import type { Queryable } from '@lettergate/db/pool'
import { appendAccountEvents } from '../../lib/index.ts'

/** Disables an endpoint, with an event, once; `detail` is that of the event, as JSON. Answers whether it was enabled. */
export async function disableEndpoint(
  db: Queryable,
  { tenantId, id }: { tenantId: string; id: string },
  reason: string,
  detail: string,
): Promise<boolean> {
  const { rows } = await db.query<{ disabled: boolean }>({
    name: 'disable-endpoint',
    text: `
      with disabled as (
        update endpoint set enabled = false, disabled_reason = $3, disabled_at = now()
        where tenant_id = $1 and id = $2 and enabled
        returning tenant_id
      ), ${appendAccountEvents(`
        select tenant_id, 'endpoint.disabled' as type, json_build_object('reason', $3::text, 'detail', $4::json) as data from disabled`)}
      select exists (select from disabled) as disabled`,
    values: [tenantId, id, reason, detail],
  })
  return rows[0]?.disabled ?? false
}
