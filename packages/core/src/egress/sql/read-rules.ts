import type { Queryable } from '@lettergate/db/pool'

export type RulesRow = {
  id: string
  plan: string
  /** Of the tenant's connections, routes and egress. */
  version: number
  /** JSON; null: the public internet. */
  egress: string | null
  egress_extra: string
}

/** What tenants may reach, as JSON texts, so that rules that did not change need not be read again. */
export async function readRules(db: Queryable, tenantIds: readonly string[]): Promise<RulesRow[]> {
  const { rows } = await db.query<RulesRow>({
    name: 'read-egress-rules',
    text: `
      select t.id, t.plan, t.connections_version as version, p.egress::text, t.egress_extra::text
      from tenant t join plan p on p.name = t.plan where t.id = any($1::uuid[])`,
    values: [tenantIds],
  })
  return rows
}
