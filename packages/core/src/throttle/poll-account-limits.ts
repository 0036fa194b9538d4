import type { Queryable } from '@lettergate/db/pool'
import type { AccountReport } from '@lettergate/providers/provider'
import type { Candidate } from '../connections/index.ts'
import { toReportedLimits } from './account-limits.ts'
import type { ConnectionState } from './local-state.ts'
import { claimLimitsPoll } from './sql/claim-limits-poll.ts'
import { storeAccountLimits } from './sql/store-account-limits.ts'

/** 'silent': nothing that can be obeyed was told; 'failed': the account or its provider has a fault, or did not answer in time. */
export type PollResult = 'told' | 'silent' | 'failed'

export type LimitsPoller = {
  /** Asks what these connections may send, each whose time has come. Nobody waits for it. */
  ask(states: Iterable<ConnectionState>): void
  /** Ends what is under way, and begins nothing new. */
  stop(): Promise<void>
}

const ASK_EVERY_MS = 300_000
const DEADLINE_MS = 10_000
/** Of one worker: each holds a socket. What finds no place has its turn a moment later. */
const UNDER_WAY_MAX = 50
/** Of one tenant: its providers may all hang, and renewLease nobody else's from being asked. */
const OF_TENANT_MAX = 5

/**
 * Asks providers what their accounts may send: one worker in some minutes, whatever comes of it. No answer, or one that cannot be obeyed,
 * leaves what was told before as it is.
 */
export function createLimitsPoller(deps: {
  pool: Queryable
  /** Absent: nobody is asked. */
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

  /** Null: it did not answer in time, or this worker stops. Whoever does not listen to the signal is not waited for. */
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

  /** Null: another worker has asked within the time. */
  async function askOne(state: ConnectionState, ask: NonNullable<typeof check>): Promise<PollResult | null> {
    state.askedAt = performance.now()
    const used = await claimLimitsPoll(deps.pool, state, ASK_EVERY_MS)
    if (used === null || stopping.signal.aborted) return null
    const report = await answerOf(state, ask)
    if (stopping.signal.aborted) return null
    if (!report || report.fault) return 'failed'
    const told = toReportedLimits(report.limits)
    if (!told) return 'silent'
    await storeAccountLimits(deps.pool, state, told, used)
    return 'told'
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
