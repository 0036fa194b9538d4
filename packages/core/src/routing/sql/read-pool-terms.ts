import type { Queryable } from '@lettergate/db/pool'

/** Where the pool stands among a tenant's connections, and whose mail it may send. */
export type PoolTerms = {
  place: 'first' | 'last' | 'never'
  overflow: 'reject' | 'hold'
  /** The operator, or the rule against abuse, has stopped the tenant's mail through the pool. */
  isPaused: boolean
  /** Domains that the tenant has proved to be its own, with what is below them, but for the nearer ones, which other tenants have proved. */
  domains: { proved: readonly string[]; nearer: readonly string[] }
  /** Of the tenant's connections: what was read together with it. */
  version: number
}

export async function readPoolTerms(db: Queryable, tenantId: string): Promise<PoolTerms> {
  const { rows } = await db.query<PoolTerms>({
    name: 'read-pool-terms',
    text: `
      select t.pool as place, t.overflow, json_build_object('proved', proved_domains(t.id), 'nearer', nearer_domains(t.id)) as domains, t.connections_version as version,
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
