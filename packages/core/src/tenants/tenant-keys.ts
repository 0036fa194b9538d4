import type { KeyObject } from 'node:crypto'
import type { CreateTenantKeyRequest } from '@lettergate/contracts/admin/tenants'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { ManagedTables } from '@lettergate/db/prisma'
import { z } from 'zod'
import { issueKey, revokeKey, SCOPES, type Scope } from '../keys/index.ts'
import { columnsOf, given } from '../lib/index.ts'
import { readTenant } from './tenants.ts'

const KEYS_MAX = 1_000

const Stored = z.object({
  id: z.string(),
  mode: z.enum(['live', 'test']),
  display: z.string(),
  scopes: z.array(z.string()),
  created_at: z.date(),
  expires_at: z.date().nullable(),
  revoked_at: z.date().nullable(),
})
const COLUMNS = columnsOf(Stored)
export type TenantKeyRow = z.output<typeof Stored>

const isOfTenants = (scope: string): scope is Scope =>
  scope !== 'admin' && SCOPES.some((known) => known === scope)

function toScopes(names: readonly string[]): Scope[] {
  return names.map((name, index) => {
    if (isOfTenants(name)) return name
    const known = SCOPES.filter(isOfTenants).join(', ')
    const detail = `there is no such scope for tenants; there are ${known}`
    throw new Problem('validation-failed', { detail, errors: [{ pointer: `#/scopes/${index}`, detail }] })
  })
}

/** The keys of a tenant, newest first. */
export async function listTenantKeys(db: ManagedTables, tenantId: string): Promise<TenantKeyRow[]> {
  await readTenant(db, tenantId)
  const rows = await db.api_key.findMany({
    where: { tenant_id: tenantId },
    select: COLUMNS,
    orderBy: { id: 'desc' },
    take: KEYS_MAX,
  })
  return z.array(Stored).parse(rows)
}

/** Makes a key of a tenant; it cannot be read again. */
export async function createTenantKey(
  { db, pepper }: { db: ManagedTables; pepper: KeyObject },
  tenantId: string,
  { mode, scopes, expires_at }: CreateTenantKeyRequest,
): Promise<{ key: string; info: TenantKeyRow }> {
  await readTenant(db, tenantId)
  const options = given({
    scopes: scopes && toScopes(scopes),
    expires_at: expires_at === undefined ? undefined : new Date(expires_at),
  })
  const { keyId, key } = await issueKey({ db, pepper }, { mode, tenantId }, options)
  const row = await db.api_key.findUnique({ where: { id: keyId }, select: COLUMNS })
  return { key, info: Stored.parse(row) }
}

/** All processes refuse the key within five seconds. */
export async function revokeTenantKey(db: ManagedTables, tenantId: string, keyId: string): Promise<void> {
  if (!(await revokeKey(db, tenantId, keyId))) throw new Problem('not-found')
}
