import { createStreamQueue, type StreamQueue } from '../throttle/index.ts'

/** Owner of a call. */
export type Caller = { tenantId: string; isBulk: boolean }

export type Slots = {
  /** Resolves with the release once the tenant may start one more call. Rejects once stopped. */
  acquire(caller: Caller): Promise<() => void>
  /** Calls in progress. */
  busy(): number
  /** Rejects waiting and new callers. */
  stop(): void
}

export class SlotsStopped extends Error {
  constructor() {
    super('no new attempt is started')
  }
}

type Waiter = { isBulk: boolean; resolve(release: () => void): void; reject(error: Error): void }
type Running = { transactional: number; bulk: number }

const NONE: Running = { transactional: 0, bulk: 0 }

/**
 * Concurrent provider calls of one process, shared by dynamic threshold: a tenant may hold as many slots as are still free. A tenant whose
 * provider hangs holds at most half of the slots, and another tenant gets one immediately. Bulk calls of a tenant do not count against its
 * transactional mail, which gets a slot like another tenant's.
 */
export function createSlots(max: number): Slots {
  const running = new Map<string, Running>()
  // Tenants take turns: a map keeps the order of insertion, and a tenant that was served goes to its end.
  const waiting = new Map<string, StreamQueue<Waiter>>()
  let total = 0
  let stopped = false

  function mayStart({ tenantId, isBulk }: Caller): boolean {
    const { transactional, bulk } = running.get(tenantId) ?? NONE
    return transactional + (isBulk ? bulk : 0) < max - total
  }

  function change({ tenantId, isBulk }: Caller, by: 1 | -1): void {
    total += by
    const { transactional, bulk } = running.get(tenantId) ?? NONE
    const now = isBulk ? { transactional, bulk: bulk + by } : { transactional: transactional + by, bulk }
    if (now.transactional + now.bulk > 0) running.set(tenantId, now)
    else running.delete(tenantId)
  }

  function start(caller: Caller): () => void {
    change(caller, 1)
    let released = false
    return () => {
      if (released) return
      released = true
      change(caller, -1)
      startNext()
    }
  }

  function startNext(): void {
    for (const [tenantId, queue] of waiting) {
      if (total >= max) return
      // A bulk call on its turn takes the place of a transactional one.
      if (!mayStart({ tenantId, isBulk: !queue.hasTransactional() })) continue
      const waiter = queue.shift()
      waiting.delete(tenantId)
      if (queue.length > 0) waiting.set(tenantId, queue)
      if (waiter) waiter.resolve(start({ tenantId, isBulk: waiter.isBulk }))
      return
    }
  }

  return {
    acquire({ tenantId, isBulk }) {
      if (stopped) return Promise.reject(new SlotsStopped())
      const queue = waiting.get(tenantId) ?? createStreamQueue<Waiter>()
      const caller = { tenantId, isBulk }
      if (mayStart(caller) && queue.before(isBulk) === 0) return Promise.resolve(start(caller))
      return new Promise((resolve, reject) => {
        queue.push({ isBulk, resolve, reject })
        waiting.set(tenantId, queue)
      })
    },
    busy: () => total,
    stop() {
      stopped = true
      for (const queue of waiting.values()) {
        for (let next = queue.shift(); next; next = queue.shift()) next.reject(new SlotsStopped())
      }
      waiting.clear()
    },
  }
}
