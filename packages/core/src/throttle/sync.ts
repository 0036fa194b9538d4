import { randomUUID } from 'node:crypto'
import type { Pool } from '@lettergate/db/pool'
import { keep, mustTell, SHARE_LEASE_MS, takeShare } from './concurrency-lease.ts'
import { apply, concurrencyMax, hasNews, noNews } from './connection-state.ts'
import type { Local } from './local-state.ts'
import { syncPace } from './sql/sync-health.ts'

/** Their ids must fit into one notification of 8,000 bytes. */
const BATCH_MAX = 200
const SYNC_MS = 250
/** A connection in use is looked up this often, though there be nothing to tell. */
const LOOK_MS = 2_000
/** In use: somebody asked for it within this time. */
const USED_MS = 10_000

/** What could not be told is told with the next news. */
function putNewsBack(local: Local, news: Local['news']): void {
  local.news = {
    grow: local.news.grow + news.grow,
    halve: local.news.halve || news.halve,
    pauseMs: Math.max(local.news.pauseMs ?? 0, news.pauseMs ?? 0) || null,
    pauseReason: local.news.pauseReason ?? news.pauseReason,
    unused: local.news.unused + news.unused,
  }
}

/** Tells the other workers what this one has seen, and hears of what they have: four times a second at most, all in one statement. */
export function createPaceSync(deps: {
  pool: Pool
  locals: () => Iterable<Local>
  /** Asks providers about what was just looked up, where it is time to. */
  askLimits: (locals: Iterable<Local>) => void
  wakeNext: (local: Local) => void
  onSync?: (connections: number) => void
  onError: (error: unknown) => void
}): { start(): void; now(): Promise<void>; stop(): Promise<void> } {
  const worker = randomUUID()
  const now = () => performance.now()
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  let isStopping = false
  const resting = new Set<Promise<void>>()

  const isInUse = (local: Local, at: number) => !isStopping && (local.busy > 0 || at - local.usedAt < USED_MS)

  /** Has the provider close sockets that no call uses, so that others may open theirs. */
  function rest(local: Local, sockets: number): void {
    const { provider, connection } = local.candidate
    local.share.isResting = true
    const done: Promise<void> = Promise.resolve(provider.rest?.(connection, sockets))
      .catch(deps.onError)
      .then(() => {
        Object.assign(local.share, { restedTo: sockets, isResting: false })
        resting.delete(done)
      })
    resting.add(done)
  }

  /** All that has news; of the rest what is in use, when its time has come. */
  function due(at: number): Local[] {
    const list: Local[] = []
    for (const local of deps.locals()) {
      const isUsed = isInUse(local, at)
      const isTime = isUsed && at - local.syncedAt >= LOOK_MS
      const isLast = isStopping && local.syncedAt === Number.NEGATIVE_INFINITY && local.share.until > at
      if (hasNews(local) || isTime || isLast || mustTell(local, isUsed, at)) list.push(local)
      if (list.length === BATCH_MAX) break
    }
    return list
  }

  async function exchange(): Promise<void> {
    const at = now()
    const locals = due(at)
    if (locals.length === 0) return
    const told = locals.map((local) => ({ local, news: local.news }))
    const reports = locals.map((local) => ({
      ...{ tenantId: local.tenantId, connectionId: local.connectionId, ...local.news },
      concurrencyMax: concurrencyMax(local),
      calls: keep(local, { isInUse: isInUse(local, at), now: at }, rest),
    }))
    for (const local of locals) Object.assign(local, { news: noNews(), syncedAt: now() })
    try {
      const rows = await syncPace(deps.pool, worker, reports, SHARE_LEASE_MS)
      const found = new Map(rows.map((row) => [row.connectionId, row]))
      for (const local of locals) {
        const row = found.get(local.connectionId) ?? null
        apply(local, row, now())
        takeShare(local, row?.calls ?? null, at)
        deps.wakeNext(local)
      }
      deps.onSync?.(locals.length)
    } catch (error) {
      for (const { local, news } of told) putNewsBack(local, news)
      throw error
    }
    deps.askLimits(locals)
    if (locals.length === BATCH_MAX) await exchange()
  }

  function sync(): Promise<void> {
    running ??= exchange()
      .catch(deps.onError)
      .finally(() => {
        running = null
      })
    return running
  }

  /** What is under way may have left before the news came. */
  const again = () => (running ? running.then(sync) : sync())

  function giveUpShares(): Promise<void> {
    for (const local of deps.locals())
      if (local.share.until > now()) local.syncedAt = Number.NEGATIVE_INFINITY
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
