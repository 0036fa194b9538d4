import type { ManagedTables } from '@lettergate/db/prisma'
import { POOL_PLAN } from '../lib/index.ts'
import { readTenant, type TenantRow } from './tenants.ts'

/**
 * Suspends a tenant, or changes the reason of its suspension. Its keys are refused within five seconds. The version by which workers see that
 * what they know of its connections is old rises, so no message of it is sent from then on: each is held by the router.
 */
export async function suspendTenant(db: ManagedTables, tenantId: string, reason: string): Promise<TenantRow> {
  await db.$executeRaw`
    update tenant
    set suspended_at = coalesce(suspended_at, now()), suspended_reason = ${reason},
        connections_version = connections_version + case when suspended_at is null then 1 else 0 end
    where id = ${tenantId}::uuid and plan <> ${POOL_PLAN}`
  return readTenant(db, tenantId)
}

/** Resumes a tenant; its held messages are released within seconds, and their retry limit begins anew. */
export async function resumeTenant(db: ManagedTables, tenantId: string): Promise<TenantRow> {
  await db.$executeRaw`
    update tenant
    set suspended_at = null, suspended_reason = null, resumed_at = now(), connections_version = connections_version + 1
    where id = ${tenantId}::uuid and suspended_at is not null`
  return readTenant(db, tenantId)
}
