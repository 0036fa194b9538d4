import type { KeyObject } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import { inTransaction, type Pool } from '@lettergate/db/pool'
import { issueKey } from '../keys/index.ts'
import { insertTenant } from './sql/insert-tenant.ts'

/** Recipients a day, unless the operator sets a limit for the tenant. */
export const DAILY_LIMIT_BY_PLAN = { free: 200, standard: 50_000, scale: 1_000_000 } as const
export type Plan = keyof typeof DAILY_LIMIT_BY_PLAN

/** Makes a tenant with a live and a test key; the keys cannot be read again. */
export async function createTenant(
  deps: { pool: Pool; pepper: KeyObject },
  tenant: { name: string; plan: Plan; dailyLimit?: number | undefined; retryHours?: number | undefined },
): Promise<{ tenantId: string; liveKey: string; testKey: string }> {
  const tenantId = newId()
  return inTransaction(deps.pool, async (db) => {
    const dailyLimit = tenant.dailyLimit ?? DAILY_LIMIT_BY_PLAN[tenant.plan]
    await insertTenant(db, {
      id: tenantId,
      name: tenant.name,
      plan: tenant.plan,
      dailyLimit,
      retryHours: tenant.retryHours ?? null,
    })
    const live = await issueKey({ db, pepper: deps.pepper }, { mode: 'live', tenantId })
    const test = await issueKey({ db, pepper: deps.pepper }, { mode: 'test', tenantId })
    return { tenantId, liveKey: live.key, testKey: test.key }
  })
}
