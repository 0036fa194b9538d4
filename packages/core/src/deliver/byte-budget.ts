/** A budget of bytes in memory, shared by dynamic threshold. */
export type Budget = {
  /** Resolves with the release once there is room for the tenant's next item. */
  take(tenantId: string, bytes: number): Promise<() => void>
  /** Answers the release, or why there is no room: the tenant holds its share, or the whole budget is held. */
  takeNow(tenantId: string, bytes: number): (() => void) | 'own' | 'all'
  used(): number
}

type Waiter = { bytes: number; resolve(release: () => void): void }

/**
 * A tenant may hold as many bytes as are still free, or one item, so that the calls of one tenant never block another. Items up to
 * `smallBytes` enter immediately: the concurrency bounds their number. An item larger than the budget enters when nothing else is held.
 */
export function createBudget(maxBytes: number, smallBytes: number): Budget {
  let used = 0
  const held = new Map<string, number>()
  // Tenants take turns: a map keeps the order of insertion, and a served tenant goes to its end.
  const waiting = new Map<string, Waiter[]>()

  function shortOf(tenantId: string, bytes: number): 'own' | 'all' | null {
    if (used === 0) return null
    const own = held.get(tenantId) ?? 0
    if (own > 0 && own + bytes > maxBytes - used) return 'own'
    return used + bytes > maxBytes ? 'all' : null
  }

  function grant(tenantId: string, bytes: number): () => void {
    used += bytes
    held.set(tenantId, (held.get(tenantId) ?? 0) + bytes)
    let released = false
    return () => {
      if (released) return
      released = true
      used -= bytes
      const left = (held.get(tenantId) ?? bytes) - bytes
      if (left > 0) held.set(tenantId, left)
      else held.delete(tenantId)
      admit()
    }
  }

  function admit(): void {
    for (const [tenantId, queue] of [...waiting]) {
      const [next] = queue
      if (!next) continue
      if (shortOf(tenantId, next.bytes)) {
        // Room is kept for an item that finds none, or smaller ones would overtake it forever; a tenant's own share is no reason to.
        if (!held.has(tenantId)) return
        continue
      }
      queue.shift()
      waiting.delete(tenantId)
      if (queue.length > 0) waiting.set(tenantId, queue)
      next.resolve(grant(tenantId, next.bytes))
    }
  }

  return {
    take(tenantId, bytes) {
      if (bytes <= smallBytes) return Promise.resolve(() => undefined)
      const { promise, resolve } = Promise.withResolvers<() => void>()
      const queue = waiting.get(tenantId) ?? []
      queue.push({ bytes, resolve })
      waiting.set(tenantId, queue)
      if (queue.length === 1) admit()
      return promise
    },
    takeNow(tenantId, bytes) {
      if (bytes <= smallBytes) return () => undefined
      return shortOf(tenantId, bytes) ?? grant(tenantId, bytes)
    },
    used: () => used,
  }
}
