import type { Queryable } from '@lettergate/db/pool'

export type KeyRow = {
  id: string
  hash: Buffer
  mode: 'live' | 'test' | 'admin'
  /** Null for an operator key. */
  tenant_id: string | null
  scopes: string[]
  networks: string[]
  from_domains: string[]
  requests_per_second: number | null
  /** Requests a second of the tenant, by its own limit or its plan. */
  tenant_rate: number | null
  /** By the database's clock; null: does not expire. */
  expires_in_ms: number | null
  /** Why the operator has suspended the tenant; null: it is active. */
  suspended_reason: string | null
}

const text = `
select k.id, k.hash, k.mode, k.tenant_id, k.scopes, k.networks, k.from_domains, k.requests_per_second,
       coalesce((t.own_limits ->> 'requests_per_second')::int4, p.requests_per_second) as tenant_rate,
       extract(epoch from k.expires_at - now())::float8 * 1000 as expires_in_ms, t.suspended_reason
from api_key k left join tenant t on t.id = k.tenant_id left join plan p on p.name = t.plan
where k.hash = any($1::bytea[]) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`

/** The keys among these hashes that are good now; revoked and expired ones are left out. */
export async function findKeys(db: Queryable, hashes: readonly Buffer[]): Promise<KeyRow[]> {
  const { rows } = await db.query<KeyRow>({ name: 'find-key', text, values: [hashes] })
  return rows
}
