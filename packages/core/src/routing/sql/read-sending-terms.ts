import type { Queryable } from '@lettergate/db/pool'

/** What decides on a tenant's mail besides its connections and routes: where the pool stands among them, and whose mail may be sent. */
export type SendingTerms = {
  place: 'first' | 'last' | 'never'
  overflow: 'reject' | 'hold'
  /** The operator, or the rule against abuse, has stopped the tenant's mail through the pool. */
  isPaused: boolean
  /** Domains that the tenant has proved to be its own, with what is below them, but for the nearer ones, which other tenants have proved. */
  domains: { proved: readonly string[]; nearer: readonly string[] }
  /** Why the operator has suspended the tenant; null: it is active. */
  suspendedBecause: string | null
  /** Of the tenant's connections: what was read together with it. */
  version: number
}

export async function readSendingTerms(db: Queryable, tenantId: string): Promise<SendingTerms> {
  const { rows } = await db.query<SendingTerms>({
    name: 'read-sending-terms',
    text: `
      select t.pool as place, t.overflow, json_build_object('proved', proved_domains(t.id), 'nearer', nearer_domains(t.id)) as domains, t.connections_version as version,
             t.suspended_reason as "suspendedBecause",
             exists (select from abuse_state a where a.tenant_id = t.id and a.state = 'paused') as "isPaused"
      from tenant t where t.id = $1`,
    values: [tenantId],
  })
  return (
    rows[0] ?? {
      place: 'never',
      overflow: 'reject',
      isPaused: false,
      domains: { proved: [], nearer: [] },
      suspendedBecause: null,
      version: 0,
    }
  )
}

/** What the tenants' view of the pool depends on, besides its connections. `version`: rises with every change of either. */
export type PoolFacts = { defaultFrom: string | null; version: number }

export async function readPoolFacts(db: Queryable, poolTenantId: string): Promise<PoolFacts> {
  const { rows } = await db.query<PoolFacts>({
    name: 'read-pool-facts',
    text: `
      select s.default_from as "defaultFrom", t.connections_version as version
      from tenant t cross join pool_setting s where t.id = $1`,
    values: [poolTenantId],
  })
  return rows[0] ?? { defaultFrom: null, version: 0 }
}
