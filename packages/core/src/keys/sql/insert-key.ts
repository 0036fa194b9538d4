import type { Queryable } from '@lettergate/db/pool'

export type NewKeyRow = {
  id: string
  tenantId: string | null
  mode: 'live' | 'test' | 'admin'
  hash: Buffer
  /** Which pepper the hash was made with. */
  pepperVersion: number
  display: string
  scopes: readonly string[]
  expiresAt: Date | null
}

const text = `
insert into api_key (id, tenant_id, mode, hash, display, scopes, expires_at, pepper_version)
values ($1, $2, $3, $4, $5, $6, $7, $8)`

/** Stores a new key by its hash. */
export async function insertKey(db: Queryable, key: NewKeyRow): Promise<void> {
  await db.query({
    text,
    values: [
      key.id,
      key.tenantId,
      key.mode,
      key.hash,
      key.display,
      [...key.scopes],
      key.expiresAt,
      key.pepperVersion,
    ],
  })
}
