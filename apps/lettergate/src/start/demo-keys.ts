import type { KeyObject } from 'node:crypto'
import { createKeyVerifier, issueKey, type Principal } from '@lettergate/core/keys'
import { createTenant } from '@lettergate/core/tenants'
import type { Pool } from '@lettergate/db/pool'
import { createOperatorPrisma } from '@lettergate/db/prisma'

export type DemoKeys = { live_key: string; test_key: string; admin_key: string }

/** The keys of the demo tenant: those kept from an earlier start if this database still knows them, else new ones. */
export async function demoKeys(
  deps: { pool: Pool; pepper: KeyObject },
  kept: DemoKeys | null,
): Promise<DemoKeys> {
  if (kept && (await areGood(deps, kept))) {
    return { live_key: kept.live_key, test_key: kept.test_key, admin_key: kept.admin_key }
  }
  const { pepper } = deps
  const operator = createOperatorPrisma(deps.pool)
  const tenant = await createTenant({ operator, pepper }, { name: 'Demo', plan: 'standard' })
  const admin = await operator.forOperator((db) => issueKey({ db, pepper }, { mode: 'admin' }))
  return { live_key: tenant.liveKey, test_key: tenant.testKey, admin_key: admin.key }
}

async function areGood(deps: { pool: Pool; pepper: KeyObject }, kept: DemoKeys): Promise<boolean> {
  const verifier = createKeyVerifier(deps)
  const found: (Principal | null)[] = await Promise.all(
    [kept.live_key, kept.test_key, kept.admin_key].map((key) => verifier.verify(key)),
  )
  verifier.close()
  return found.every((principal) => principal !== null)
}
