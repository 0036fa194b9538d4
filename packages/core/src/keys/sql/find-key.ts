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
}

const text = `
select id, hash, mode, tenant_id, scopes, extract(epoch from expires_at - now())::float8 * 1000 as expires_in_ms
from api_key
where hash = any($1::bytea[]) and revoked_at is null and (expires_at is null or expires_at > now())`

/** The keys among these hashes that are good now; revoked and expired ones are left out. */
export async function findKeys(db: Queryable, hashes: readonly Buffer[]): Promise<KeyRow[]> {
  const { rows } = await db.query<KeyRow>({ name: 'find-key', text, values: [hashes] })
  return rows
}
