import type { Queryable } from '@lettergate/db/pool'
import type { AccountReport } from '@lettergate/providers/provider'
import type { Candidate } from '../connections/index.ts'
import { toldOf } from './account-limits.ts'
import type { Local } from './local-state.ts'
import { mayAskLimits } from './sql/claim-limits-poll.ts'
import { writeTold } from './sql/store-account-limits.ts'

/** 'silent': nothing that can be obeyed was told; 'failed': the account or its provider has a fault, or did not answer in time. */
export type Asked = 'told' | 'silent' | 'failed'

export type LimitsAsker = {
  /** Asks what these connections may send, each whose time has come. Nobody waits for it. */
  ask(locals: Iterable<Local>): void
  /** Ends what is under way, and begins nothing new. */
  stop(): Promise<void>
}

const ASK_EVERY_MS = 300_000
const DEADLINE_MS = 10_000
/** Of one worker: each holds a socket. What finds no place has its turn a moment later. */
const UNDER_WAY_MAX = 50
/** Of one tenant: its providers may all hang, and keep nobody else's from being asked. */
const OF_TENANT_MAX = 5

/**
 * Asks providers what their accounts may send: one worker in some minutes, whatever comes of it. No answer, or one that cannot be obeyed,
 * leaves what was told before as it is.
 */
export function createLimitsAsker(deps: {
  pool: Queryable
  /** Absent: nobody is asked. */
  check?:
    | ((tenantId: string, candidate: Candidate, signal: AbortSignal) => Promise<AccountReport>)
    | undefined
  deadlineMs?: number | undefined
  onAsked?: ((asked: Asked) => void) | undefined
  onError: (error: unknown) => void
}): LimitsAsker {
  const { check, deadlineMs = DEADLINE_MS } = deps
  const stopping = new AbortController()
  const underWay = new Map<string, { tenantId: string; done: Promise<void> }>()

  function isToAsk({ candidate, connectionId, tenantId, askedAt }: Local): boolean {
    if (!candidate.provider.capabilities.tellsLimits || performance.now() - askedAt <= ASK_EVERY_MS)
      return false
    if (underWay.has(connectionId) || underWay.size >= UNDER_WAY_MAX) return false
    return [...underWay.values()].filter((one) => one.tenantId === tenantId).length < OF_TENANT_MAX
  }

  /** Null: it did not answer in time, or this worker stops. Whoever does not listen to the signal is not waited for. */
  async function answerOf(local: Local, ask: NonNullable<typeof check>): Promise<AccountReport | null> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), deadlineMs)
    const signal = AbortSignal.any([late.signal, stopping.signal])
    const ended = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    try {
      return await Promise.race([ask(local.tenantId, local.candidate, signal), ended])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Null: another worker has asked within the time. */
  async function askOne(local: Local, ask: NonNullable<typeof check>): Promise<Asked | null> {
    local.askedAt = performance.now()
    const used = await mayAskLimits(deps.pool, local, ASK_EVERY_MS)
    if (used === null || stopping.signal.aborted) return null
    const report = await answerOf(local, ask)
    if (stopping.signal.aborted) return null
    if (!report || report.fault) return 'failed'
    const told = toldOf(report.limits)
    if (!told) return 'silent'
    await writeTold(deps.pool, local, told, used)
    return 'told'
  }

  return {
    ask(locals) {
      if (!check) return
      for (const local of locals) {
        if (stopping.signal.aborted || !isToAsk(local)) continue
        const { connectionId, tenantId } = local
        const done = askOne(local, check)
          .catch((error: unknown): Asked => {
            deps.onError(error)
            return 'failed'
          })
          .then((asked) => {
            underWay.delete(connectionId)
            if (asked) deps.onAsked?.(asked)
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
