/** Bytes of refused bodies that a tenant may send in a second. */
const BYTES_PER_SECOND = 10 * 1024 * 1024
/** Bytes allowed in a burst: more than the largest body, so that one mistake makes no tenant wait. */
const BURST_BYTES = 64 * 1024 * 1024
/** A tenant waits no longer than this, whatever it sent. */
const DEBT_BYTES_MAX = 10 * BYTES_PER_SECOND
/** The maximum of tenants in debt; beyond it, those that have waited longest are removed. */
const TENANTS_MAX = 10_000

export type RefusedBodies = {
  /** Counts a body that was read and refused. */
  charge(tenant: string, bytes: number): void
  /** Seconds until this tenant's bodies are read again; 0 if they are. */
  waitSeconds(tenant: string): number
}

/**
 * Limits the bytes of refused bodies of each tenant: reading one costs as much as an accepted one, and no quota counts it.
 * In memory, by this process alone.
 */
export function createRefusedBodies(now: () => number = () => performance.now()): RefusedBodies {
  const debts = new Map<string, { bytes: number; at: number }>()

  function debtOf(tenant: string): number {
    const debt = debts.get(tenant)
    if (!debt) return 0
    return Math.max(0, debt.bytes - ((now() - debt.at) * BYTES_PER_SECOND) / 1000)
  }

  return {
    charge(tenant, bytes) {
      const debt = Math.min(debtOf(tenant) + bytes, BURST_BYTES + DEBT_BYTES_MAX)
      // Deleted first, so that the order of the map is that of the last charge.
      debts.delete(tenant)
      debts.set(tenant, { bytes: debt, at: now() })
      if (debts.size > TENANTS_MAX) {
        for (const oldest of debts.keys()) {
          debts.delete(oldest)
          break
        }
      }
    },
    waitSeconds(tenant) {
      if (debts.size === 0) return 0
      const beyond = debtOf(tenant) - BURST_BYTES
      return beyond > 0 ? Math.ceil(beyond / BYTES_PER_SECOND) : 0
    },
  }
}
