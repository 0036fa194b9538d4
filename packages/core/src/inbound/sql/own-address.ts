import type { Queryable } from '@lettergate/db/pool'

/** The tenant's token for a mode; `token` becomes it if there is none. */
export async function ensureToken(
  db: Queryable,
  { tenantId, mode }: { tenantId: string; mode: string },
  token: string,
): Promise<string> {
  const { rows } = await db.query<{ token: string }>({
    name: 'ensure-inbound-token',
    text: `
      with made as (
        insert into inbound_address (token, tenant_id, mode)
        select $3, $1, $2 where not exists (select from inbound_address where tenant_id = $1 and mode = $2)
        on conflict do nothing
        returning token
      )
      select token from made union all select token from inbound_address where tenant_id = $1 and mode = $2`,
    values: [tenantId, mode, token],
  })
  return rows[0]?.token ?? ''
}
