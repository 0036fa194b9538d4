import type { Queryable } from '@lettergate/db/pool'

/** A hook with webhooks of before a rotation whose time has come. */
export type DueWebhooks = { tenantId: string; connectionId: string }

/** Claims some of any tenants for ten minutes: a worker that dies, or a provider that refuses, has them tried again then. */
export async function claimDueWebhooks(db: Queryable, limit: number): Promise<DueWebhooks[]> {
  const { rows } = await db.query<DueWebhooks>({
    name: 'claim-due-webhooks',
    text: `
      with due as materialized (
        select tenant_id, connection_id from hook where retire_at <= now() order by retire_at limit $1 for update skip locked
      )
      update hook h set retire_at = now() + interval '10 minutes' from due d
      where h.tenant_id = d.tenant_id and h.connection_id = d.connection_id
      returning h.tenant_id as "tenantId", h.connection_id as "connectionId"`,
    values: [limit],
  })
  return rows
}
