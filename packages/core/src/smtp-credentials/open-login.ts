import type { Queryable } from '@lettergate/db/pool'
import type { SmtpLogin } from './login.ts'
import { isTenantActive } from './sql/is-tenant-active.ts'

const TTL_MS = 4_000

/** The tenant of a port without AUTH; mail is taken while the tenant exists and is not suspended. */
export function createOpenLogin(deps: { pool: Queryable; now?: () => number }, tenantId: string): SmtpLogin {
  const now = deps.now ?? (() => performance.now())
  let kept: { at: number; isGood: Promise<boolean> } | null = null
  return {
    tenantId,
    mode: 'live',
    by: { kind: 'open', id: tenantId },
    fromDomains: [],
    isGood() {
      if (kept && now() - kept.at < TTL_MS) return kept.isGood
      const isGood = isTenantActive(deps.pool, tenantId)
      kept = { at: now(), isGood }
      isGood.catch(() => {
        kept = null
      })
      return isGood
    },
  }
}
