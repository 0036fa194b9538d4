export type Slots = {
  /** Resolves with the release once the tenant may start one more call. Rejects once stopped. */
  acquire(tenantId: string): Promise<() => void>
  /** Calls under way. */
  busy(): number
  /** Refuses those that wait and those that come. */
  stop(): void
}

export class SlotsStopped extends Error {
  constructor() {
    super('no new attempt is started')
  }
}

type Waiter = { resolve(release: () => void): void; reject(error: Error): void }

/**
 * Concurrent provider calls of one process, shared by dynamic threshold: a tenant may hold as many slots as are still
 * free. So a tenant whose provider hangs holds half of them at most, and another one finds a slot at once.
 */
export function createSlots(max: number): Slots {
  const running = new Map<string, number>()
  // Tenants take turns: a map keeps the order of insertion, and whoever was served goes to its end.
  const waiting = new Map<string, Waiter[]>()
  let total = 0
  let stopped = false

  const mayStart = (tenantId: string) => total < max && (running.get(tenantId) ?? 0) < max - total

  function start(tenantId: string): () => void {
    total++
    running.set(tenantId, (running.get(tenantId) ?? 0) + 1)
    let released = false
    return () => {
      if (released) return
      released = true
      total--
      const left = (running.get(tenantId) ?? 1) - 1
      if (left > 0) running.set(tenantId, left)
      else running.delete(tenantId)
      startNext()
    }
  }

  function startNext(): void {
    for (const [tenantId, queue] of waiting) {
      if (total >= max) return
      if (!mayStart(tenantId)) continue
      const waiter = queue.shift()
      waiting.delete(tenantId)
      if (queue.length > 0) waiting.set(tenantId, queue)
      waiter?.resolve(start(tenantId))
      return
    }
  }

  return {
    acquire(tenantId) {
      if (stopped) return Promise.reject(new SlotsStopped())
      if (mayStart(tenantId) && !waiting.has(tenantId)) return Promise.resolve(start(tenantId))
      return new Promise((resolve, reject) => {
        const queue = waiting.get(tenantId) ?? []
        queue.push({ resolve, reject })
        waiting.set(tenantId, queue)
      })
    },
    busy: () => total,
    stop() {
      stopped = true
      for (const queue of waiting.values()) for (const waiter of queue) waiter.reject(new SlotsStopped())
      waiting.clear()
    },
  }
}
