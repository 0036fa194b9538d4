import { inTransaction, type Pool } from '@lettergate/db/pool'
import { type Background, type Failpoint, repeatTurns } from '../lib/index.ts'
import { judgeAbuse } from './abuse-rule.ts'
import { readPoolSetting } from './sql/pool-setting.ts'
import { countPool } from './sql/pool-tenants.ts'
import { raiseCeilings } from './sql/raise-ceilings.ts'
import { readFigures, takeDueTenants } from './sql/read-figures.ts'
import { setPoolState } from './sql/set-pool-state.ts'

const EVERY_MS = 10_000
/** Looks on every event would find a false alarm sooner or later. */
const EVENTS = 25
/** Tenants in one transaction. */
const TENANTS_MAX = 50
const CEILINGS_MAX = 500

export type PoolWatchDeps = { pool: Pool; failpoint: Failpoint }
export type PoolCounts = { paused: number; warned: number }

/**
 * Judges the tenants that are due, in one transaction: either a decision, its event and the note that the figures were seen are all there, or
 * another worker makes it again. Answers how many were judged.
 */
export function judgeDueTenants({ pool, failpoint }: PoolWatchDeps): Promise<number> {
  return inTransaction(pool, async (db) => {
    const tenantIds = await takeDueTenants(db, { events: EVENTS, limit: TENANTS_MAX })
    if (tenantIds.length === 0) return 0
    const setting = await readPoolSetting(db)
    for (const { tenantId, ...figures } of await readFigures(db, tenantIds, setting.window_days)) {
      const verdict = judgeAbuse(figures, setting)
      const why = verdict.state === 'ok' ? 'nothing is known against it' : verdict.why
      await setPoolState(db, tenantId, { state: verdict.state, by: 'rule', why })
      await failpoint('after_pool_verdict')
    }
    return tenantIds.length
  })
}

/** Looks after the pool in the background; safe in any number of processes. */
export function createPoolWatch(
  deps: PoolWatchDeps & {
    onCounts: (counts: PoolCounts) => void
    onError: (error: unknown) => void
    everyMs?: number
  },
): Background {
  const { everyMs = EVERY_MS, onError } = deps
  const look = async (signal: AbortSignal): Promise<number> => {
    while (!signal.aborted && (await judgeDueTenants(deps)) >= TENANTS_MAX);
    while (!signal.aborted && (await raiseCeilings(deps.pool, CEILINGS_MAX)) >= CEILINGS_MAX);
    deps.onCounts(await countPool(deps.pool))
    return everyMs
  }
  return repeatTurns(look, { firstMs: everyMs, errorMs: everyMs, onError })
}
