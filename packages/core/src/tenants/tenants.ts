import type { KeyObject } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import type { ManagedTables, OperatorPrisma } from '@lettergate/db/prisma'
import { issueKey } from '../keys/index.ts'

/** Recipients a day, unless the operator sets a limit for the tenant. */
export const DAILY_LIMIT_BY_PLAN = { free: 200, standard: 50_000, scale: 1_000_000 } as const
export type Plan = keyof typeof DAILY_LIMIT_BY_PLAN

/** Makes a tenant with a live and a test key; the keys cannot be read again. */
export async function createTenant(
  deps: { operator: OperatorPrisma; pepper: KeyObject },
  tenant: { name: string; plan: Plan; dailyLimit?: number | undefined; retryHours?: number | undefined },
): Promise<{ tenantId: string; liveKey: string; testKey: string }> {
  const tenantId = newId()
  return deps.operator.forOperator(async (db) => {
    const dailyLimit = tenant.dailyLimit ?? DAILY_LIMIT_BY_PLAN[tenant.plan]
    await db.tenant.create({
      data: {
        id: tenantId,
        name: tenant.name,
        plan: tenant.plan,
        daily_limit: dailyLimit,
        ...(tenant.retryHours !== undefined && { retry_hours: tenant.retryHours }),
      },
      select: { id: true },
    })
    const live = await issueKey({ db, pepper: deps.pepper }, { mode: 'live', tenantId })
    const test = await issueKey({ db, pepper: deps.pepper }, { mode: 'test', tenantId })
    return { tenantId, liveKey: live.key, testKey: test.key }
  })
}

export async function tenantExists(db: ManagedTables, tenantId: string): Promise<boolean> {
  return (await db.tenant.count({ where: { id: tenantId } })) === 1
}
