import { randomUUID } from 'node:crypto'
import type { Pool } from '@lettergate/db/pool'
import { adoptShare, mustSync, renewLease, SHARE_LEASE_MS } from './concurrency-lease.ts'
import { apply, concurrencyMax, hasPending, nothingPending } from './connection-state.ts'
import { syncHealth } from './sql/sync-health.ts'
import type { ConnectionState } from './types.ts'

/** Their ids must fit into one notification of 8,000 bytes. */
const BATCH_MAX = 200
const SYNC_MS = 250
/** How often a connection in use is read without pending changes. */
const LOOK_MS = 2_000
/** In use: requested within this time. */
const USED_MS = 10_000

/** Merges changes that could not be written into the next ones. */
function restorePending(state: ConnectionState, pending: ConnectionState['pending']): void {
  state.pending = {
    grow: state.pending.grow + pending.grow,
    halve: state.pending.halve || pending.halve,
    pauseMs: Math.max(state.pending.pauseMs ?? 0, pending.pauseMs ?? 0) || null,
    pauseReason: state.pending.pauseReason ?? pending.pauseReason,
    unused: state.pending.unused + pending.unused,
  }
}

/** Exchanges connection state with the other workers: at most four times a second, in one statement. */
export function createHealthSync(deps: {
  pool: Pool
  states: () => Iterable<ConnectionState>
  /** Polls the limits of the connections just read, where due. */
  pollLimits: (states: Iterable<ConnectionState>) => void
  wakeNext: (state: ConnectionState) => void
  onSync?: (connections: number) => void
  onError: (error: unknown) => void
}): { start(): void; now(): Promise<void>; stop(): Promise<void> } {
  const worker = randomUUID()
  const now = () => performance.now()
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  let isStopping = false
  const resting = new Set<Promise<void>>()

  const isInUse = (state: ConnectionState, at: number) =>
    !isStopping && (state.busy > 0 || at - state.usedAt < USED_MS)

  /** Closes idle sockets of the provider, so that other workers may open theirs. */
  function rest(state: ConnectionState, sockets: number): void {
    const { provider, connection } = state.candidate
    state.share.isResting = true
    const done: Promise<void> = Promise.resolve(provider.rest?.(connection, sockets))
      .catch(deps.onError)
      .then(() => {
        Object.assign(state.share, { restedTo: sockets, isResting: false })
        resting.delete(done)
      })
    resting.add(done)
  }

  /** Connections with pending changes, and those in use whose next read is due. */
  function due(at: number): ConnectionState[] {
    const list: ConnectionState[] = []
    for (const state of deps.states()) {
      const isUsed = isInUse(state, at)
      const isTime = isUsed && at - state.syncedAt >= LOOK_MS
      const isLast = isStopping && state.syncedAt === Number.NEGATIVE_INFINITY && state.share.until > at
      if (hasPending(state) || isTime || isLast || mustSync(state, isUsed, at)) list.push(state)
      if (list.length === BATCH_MAX) break
    }
    return list
  }

  async function exchange(): Promise<void> {
    const at = now()
    const states = due(at)
    if (states.length === 0) return
    const reported = states.map((state) => ({ state, pending: state.pending }))
    const reports = states.map((state) => ({
      tenantId: state.tenantId,
      connectionId: state.connectionId,
      ...state.pending,
      concurrencyMax: concurrencyMax(state),
      calls: renewLease(state, { isInUse: isInUse(state, at), now: at }, rest),
    }))
    for (const state of states) Object.assign(state, { pending: nothingPending(), syncedAt: now() })
    try {
      const rows = await syncHealth(deps.pool, worker, reports, SHARE_LEASE_MS)
      const found = new Map(rows.map((row) => [row.connectionId, row]))
      for (const state of states) {
        const row = found.get(state.connectionId) ?? null
        apply(state, row, now())
        adoptShare(state, row?.calls ?? null, at)
        deps.wakeNext(state)
      }
      deps.onSync?.(states.length)
    } catch (error) {
      for (const { state, pending } of reported) restorePending(state, pending)
      throw error
    }
    deps.pollLimits(states)
    if (states.length === BATCH_MAX) await exchange()
  }

  function sync(): Promise<void> {
    running ??= exchange()
      .catch(deps.onError)
      .finally(() => {
        running = null
      })
    return running
  }

  /** Syncs again after a running sync: it may have been sent before the latest changes. */
  const again = () => (running ? running.then(sync) : sync())

  function giveUpShares(): Promise<void> {
    for (const state of deps.states())
      if (state.share.until > now()) state.syncedAt = Number.NEGATIVE_INFINITY
    return again()
  }

  return {
    start() {
      timer ??= setInterval(() => void sync(), SYNC_MS).unref()
    },
    now: again,
    async stop() {
      if (timer) clearInterval(timer)
      isStopping = true
      await giveUpShares()
      if (resting.size === 0) return
      await Promise.all(resting)
      await giveUpShares()
    },
  }
}
