import type { TenantPrincipal } from '@lettergate/core/keys'
import { networkOf } from './network-of.ts'
import type { SharedCounts } from './shared-counts.ts'

export type LimitedBy = 'key' | 'tenant' | 'address'
export type LimitHit = { by: LimitedBy; limit: number; windowSeconds: number; resetSeconds: number }

export type RequestLimits = {
  /** Counts a request of a key; null: it may go on. */
  take(caller: Pick<TenantPrincipal, 'keyId' | 'tenantId' | 'rates'>): LimitHit | null
  /** Counts a request without a key. */
  takeAddress(address: string): LimitHit | null
  start(): void
  /** Brings the counts of all processes together; one round at a time. */
  sync(): Promise<void>
  stop(): Promise<void>
}

/** A burst may use the rate of ten seconds in a moment: clients send in bursts, and counts of processes are 250 ms apart. */
export const WINDOW_MS = 10_000
const SYNC_MS = 250
const NAMES_MAX = 50_000
/** In one round; the others follow in the next. */
const SYNC_NAMES_MAX = 500
/** Below this part of its limit a name is not worth a question to the store. */
const QUIET = 0.1
/** Of a tenant's limit, for one key: a hot key leaves a fifth to the others. */
const KEY_SHARE = 0.8
/** Without a key, of one IPv4 address or one IPv6 network of 64 bits. */
const ADDRESS_RATE = 20

type Count = { limit: number; used: number; unsent: number; endsAt: number }

/**
 * Limits requests of keys, tenants and addresses. Each process counts in memory, so no request waits for a store; with a shared store the counts
 * of all processes meet four times a second. A store that is gone never refuses a request: each process then limits what it sees.
 */
export function createRequestLimits(deps: {
  /** Null: each process for itself. */
  shared: SharedCounts | null
  onHit: (by: LimitedBy) => void
  now?: () => number
}): RequestLimits {
  const now = deps.now ?? (() => performance.now())
  const counts = new Map<string, Count>()
  const addresses = new Map<string, Count>()
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null

  function countOf(all: Map<string, Count>, name: string, limit: number, time: number): Count {
    const known = all.get(name)
    if (known && time < known.endsAt) {
      known.limit = limit
      return known
    }
    if (all.size >= NAMES_MAX) makeRoom(all, time)
    const fresh = { limit, used: 0, unsent: 0, endsAt: time + WINDOW_MS }
    all.set(name, fresh)
    return fresh
  }

  function hit(by: LimitedBy, { limit, endsAt }: Count, time: number): LimitHit {
    deps.onHit(by)
    const resetSeconds = Math.max(1, Math.ceil((endsAt - time) / 1_000))
    return { by, limit, windowSeconds: WINDOW_MS / 1_000, resetSeconds }
  }

  async function sync({ add }: SharedCounts): Promise<void> {
    const time = now()
    const due = [...counts].filter(
      // Also those that sent nothing here since: what other processes took counts for their next burst.
      ([, { used, limit, endsAt }]) => time < endsAt && used >= limit * QUIET,
    )
    await Promise.all(
      due.slice(0, SYNC_NAMES_MAX).map(async ([name, count]) => {
        const { unsent } = count
        const total = await add(name, unsent)
        if (total === null) return
        count.unsent -= unsent
        // What came in meanwhile is not in the total yet.
        count.used = total.count + count.unsent
        count.endsAt = now() + total.msLeft
      }),
    )
  }

  return {
    take({ keyId, tenantId, rates }) {
      if (!rates || (rates.tenant === null && rates.key === null)) return null
      const time = now()
      const keyLimit =
        rates.key !== null ? perWindow(rates.key) : Math.ceil(perWindow(rates.tenant ?? 0) * KEY_SHARE)
      const ofKey = countOf(counts, keyId, keyLimit, time)
      if (ofKey.used >= ofKey.limit) return hit('key', ofKey, time)
      if (rates.tenant !== null) {
        const ofTenant = countOf(counts, tenantId, perWindow(rates.tenant), time)
        if (ofTenant.used >= ofTenant.limit) return hit('tenant', ofTenant, time)
        ofTenant.used++
        ofTenant.unsent++
      }
      ofKey.used++
      ofKey.unsent++
      return null
    },
    takeAddress(address) {
      const time = now()
      const count = countOf(addresses, networkOf(address), perWindow(ADDRESS_RATE), time)
      if (count.used >= count.limit) return hit('address', count, time)
      count.used++
      return null
    },
    start() {
      if (deps.shared !== null) timer ??= setInterval(() => void this.sync(), SYNC_MS).unref()
    },
    sync() {
      if (deps.shared === null) return Promise.resolve()
      running ??= sync(deps.shared).finally(() => {
        running = null
      })
      return running
    },
    async stop() {
      if (timer) clearInterval(timer)
      await running
      await deps.shared?.close()
    },
  }
}

const perWindow = (perSecond: number) => (perSecond * WINDOW_MS) / 1_000

/** Names whose time is over, and if these are few, all: a count that is lost refuses nobody. */
function makeRoom(all: Map<string, Count>, time: number): void {
  for (const [name, { endsAt }] of all) if (endsAt <= time) all.delete(name)
  if (all.size > NAMES_MAX / 2) all.clear()
}
