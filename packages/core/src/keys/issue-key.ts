import type { KeyObject } from 'node:crypto'
import { tenantScopes } from '@lettergate/contracts/keys/keys'
import { newId } from '@lettergate/contracts/lib/ids'
import type { ManagedTables } from '@lettergate/db/prisma'
import { displayOf, hashKey, makeKey, pepperVersionOf } from './key-format.ts'

export type KeyOwner = { mode: 'live' | 'test'; tenantId: string } | { mode: 'admin' }

/** Columns of a key; those that are left out bind it to nothing. */
export type KeyOptions = {
  scopes?: readonly string[]
  expires_at?: Date | null
  name?: string
  networks?: readonly string[]
  from_domains?: readonly string[]
  requests_per_second?: number | null
  created_by?: string
}

/** Makes a key and stores its hash; the key itself exists only in the answer. */
export async function issueKey(
  deps: { db: ManagedTables; pepper: KeyObject },
  owner: KeyOwner,
  { scopes, networks = [], from_domains = [], ...options }: KeyOptions = {},
): Promise<{ keyId: string; key: string }> {
  const key = makeKey(owner.mode)
  const keyId = newId()
  const row = {
    name: '',
    ...options,
    id: keyId,
    tenant_id: owner.mode === 'admin' ? null : owner.tenantId,
    mode: owner.mode,
    hash: new Uint8Array(hashKey(deps.pepper, key)),
    pepper_version: pepperVersionOf(deps.pepper),
    display: displayOf(key),
    scopes: [...(scopes ?? (owner.mode === 'admin' ? ['admin'] : tenantScopes))],
    networks: [...networks],
    from_domains: [...from_domains],
  }
  // By `createMany`, which reads nothing back: hashes are not for the role of tenants.
  await deps.db.api_key.createMany({ data: [row] })
  return { keyId, key }
}

/** Revokes a key for good: refused here and on every node within five seconds. False if the tenant has no such key. */
export async function revokeKey(db: ManagedTables, tenantId: string | null, keyId: string): Promise<boolean> {
  const own = { id: keyId, tenant_id: tenantId }
  // By the clock of the database, as everything that expires.
  const count = await db.$executeRaw`
    update api_key set revoked_at = now()
    where id = ${keyId}::uuid and tenant_id is not distinct from ${tenantId}::uuid and revoked_at is null`
  return count === 1 || (await db.api_key.count({ where: own })) === 1
}
