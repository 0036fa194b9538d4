import type { ProblemCode } from '@lettergate/contracts/problems/problems'
import type { Logger } from 'pino'

const EVERY_MS = 1_000

/**
 * Logs refusals, each code once a second, with the number of unlogged ones since: an outage refuses thousands a second for one
 * reason, and a line of 1 kB for each (measured: 7 MB in 7 s) would hide everything else and cost more than the refusals.
 */
export function createRefusalLog(
  logger: Pick<Logger, 'warn'>,
  now: () => number = () => performance.now(),
): (code: ProblemCode, line: object) => void {
  const told = new Map<ProblemCode, { at: number; untold: number }>()
  return (code, line) => {
    const last = told.get(code)
    if (last && now() - last.at < EVERY_MS) {
      last.untold++
      return
    }
    told.set(code, { at: now(), untold: 0 })
    logger.warn({ ...line, ...(last && last.untold > 0 ? { untold: last.untold } : {}) }, 'request refused')
  }
}
