import type { Queryable } from '@lettergate/db/pool'

export type KeyRow = {
  id: string
  hash: Buffer
  mode: 'live' | 'test' | 'admin'
  /** Null for an operator key. */
  tenant_id: string | null
  scopes: string[]
  /** By the database's clock; null: does not expire. */
  expires_in_ms: number | null
  /** Why the operator has suspended the tenant; null: it is active. */
  suspended_reason: string | null
}

const text = `
select k.id, k.hash, k.mode, k.tenant_id, k.scopes, extract(epoch from k.expires_at - now())::float8 * 1000 as expires_in_ms,
       t.suspended_reason
from api_key k left join lateral (select suspended_reason from tenant where id = k.tenant_id limit 1) t on true
where k.hash = any($1::bytea[]) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`

/** The keys among these hashes that are good now; revoked and expired ones are left out. */
export async function findKeys(db: Queryable, hashes: readonly Buffer[]): Promise<KeyRow[]> {
  const { rows } = await db.query<KeyRow>({ name: 'find-key', text, values: [hashes] })
  return rows
}
