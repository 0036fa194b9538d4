import type { Queryable } from '@lettergate/db/pool'
import type { AccountReport } from '@lettergate/providers/provider'
import type { Candidate } from '../connections/index.ts'
import { toReportedLimits } from './account-limits.ts'
import { claimLimitsPoll } from './sql/claim-limits-poll.ts'
import { storeAccountLimits } from './sql/store-account-limits.ts'
import type { ConnectionState } from './types.ts'

/** 'silent': no applicable limit was reported; 'failed': the account or provider has a problem, or did not answer in time. */
export type PollResult = 'reported' | 'silent' | 'failed'

export type LimitsPoller = {
  /** Polls the limits of the connections that are due. Never awaited. */
  ask(states: Iterable<ConnectionState>): void
  /** Ends the polls in progress and starts no new ones. */
  stop(): Promise<void>
}

const ASK_EVERY_MS = 300_000
const DEADLINE_MS = 10_000
/** Polls of one worker: each holds a socket. Further ones follow a moment later. */
const UNDER_WAY_MAX = 50
/** Polls of one tenant: its providers may all hang, and must not block the polls of other tenants. */
const OF_TENANT_MAX = 5

/**
 * Polls account limits at providers: one worker every five minutes, whatever the result. Without an applicable answer, the limits reported
 * before stay in force.
 */
export function createLimitsPoller(deps: {
  pool: Queryable
  /** Absent: nothing is polled. */
  check?:
    | ((tenantId: string, candidate: Candidate, signal: AbortSignal) => Promise<AccountReport>)
    | undefined
  deadlineMs?: number | undefined
  onPolled?: ((asked: PollResult) => void) | undefined
  onError: (error: unknown) => void
}): LimitsPoller {
  const { check, deadlineMs = DEADLINE_MS } = deps
  const stopping = new AbortController()
  const underWay = new Map<string, { tenantId: string; done: Promise<void> }>()

  function isToAsk({ candidate, connectionId, tenantId, askedAt }: ConnectionState): boolean {
    if (!candidate.provider.capabilities.tellsLimits || performance.now() - askedAt <= ASK_EVERY_MS)
      return false
    if (underWay.has(connectionId) || underWay.size >= UNDER_WAY_MAX) return false
    return [...underWay.values()].filter((one) => one.tenantId === tenantId).length < OF_TENANT_MAX
  }

  /** Null: no answer in time, or this worker stops. A check that ignores the signal is not awaited. */
  async function answerOf(
    state: ConnectionState,
    ask: NonNullable<typeof check>,
  ): Promise<AccountReport | null> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), deadlineMs)
    const signal = AbortSignal.any([late.signal, stopping.signal])
    const ended = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    try {
      return await Promise.race([ask(state.tenantId, state.candidate, signal), ended])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Null: another worker has polled within the interval. */
  async function askOne(state: ConnectionState, ask: NonNullable<typeof check>): Promise<PollResult | null> {
    state.askedAt = performance.now()
    const used = await claimLimitsPoll(deps.pool, state, ASK_EVERY_MS)
    if (used === null || stopping.signal.aborted) return null
    const report = await answerOf(state, ask)
    if (stopping.signal.aborted) return null
    if (!report || report.problem) return 'failed'
    const reported = toReportedLimits(report.limits)
    if (!reported) return 'silent'
    await storeAccountLimits(deps.pool, state, reported, used)
    return 'reported'
  }

  return {
    ask(states) {
      if (!check) return
      for (const state of states) {
        if (stopping.signal.aborted || !isToAsk(state)) continue
        const { connectionId, tenantId } = state
        const done = askOne(state, check)
          .catch((error: unknown): PollResult => {
            deps.onError(error)
            return 'failed'
          })
          .then((asked) => {
            underWay.delete(connectionId)
            if (asked) deps.onPolled?.(asked)
          })
        underWay.set(connectionId, { tenantId, done })
      }
    },
    async stop() {
      stopping.abort()
      await Promise.all([...underWay.values()].map(({ done }) => done))
    },
  }
}
