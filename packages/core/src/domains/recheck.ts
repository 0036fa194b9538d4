import { type Background, repeatJobs } from '../lib/index.ts'
import { type CheckDeps, type CheckOutcome, checkDomain } from './check-domain.ts'
import { claimDue } from './sql/claim-due.ts'

/** Checks of one worker at the same time: each waits for name servers for 5 s at most. */
const BATCH_MAX = 20

/** Checks domains when they are due. Any number of workers may run; the checks of a worker that is killed are due again after their lease. */
export function createDomainChecks(
  deps: CheckDeps & {
    onChecked: (outcome: CheckOutcome | 'broken') => void
    /** How long the check that waited longest had been due. */
    onWaited: (ms: number) => void
    onError: (error: unknown) => void
  },
): Background {
  async function check({ tenantId, id }: { tenantId: string; id: string }): Promise<void> {
    try {
      deps.onChecked(await checkDomain(deps, tenantId, id))
    } catch (error) {
      deps.onError(error)
      deps.onChecked('broken')
    }
  }

  async function turn(): Promise<boolean> {
    const due = await claimDue(deps.db, BATCH_MAX)
    deps.onWaited(Math.max(0, ...due.map(({ waitedMs }) => waitedMs)))
    await Promise.all(due.map(check))
    return due.length > 0
  }

  return repeatJobs(turn, deps.onError)
}
