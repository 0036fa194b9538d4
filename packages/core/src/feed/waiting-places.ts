import { Problem } from '@lettergate/contracts/problems/problems'

export type WaitingPlaces = {
  /** Takes a place until the answer is called; throws a `Problem` when too many wait already. */
  take(tenantId: string): () => void
  count(): number
}

const RETRY_AFTER = { 'retry-after': '1' }

/** Bounds the requests that wait in one process, each of which holds a socket: in all, and of each tenant. */
export function createWaitingPlaces({ max, perTenant }: { max: number; perTenant: number }): WaitingPlaces {
  const ofTenants = new Map<string, number>()
  let count = 0

  function leave(tenantId: string): void {
    count--
    const left = (ofTenants.get(tenantId) ?? 1) - 1
    if (left > 0) ofTenants.set(tenantId, left)
    else ofTenants.delete(tenantId)
  }

  return {
    take(tenantId) {
      const ofTenant = ofTenants.get(tenantId) ?? 0
      if (count >= max) {
        throw new Problem('overloaded', { detail: 'Too many requests wait already.', headers: RETRY_AFTER })
      }
      if (ofTenant >= perTenant) {
        throw new Problem('rate-limited', {
          detail: `At most ${perTenant} requests of this kind may wait at the same time. Close some of them first.`,
          headers: RETRY_AFTER,
        })
      }
      count++
      ofTenants.set(tenantId, ofTenant + 1)
      let isTaken = true
      return () => {
        if (isTaken) leave(tenantId)
        isTaken = false
      }
    },
    count: () => count,
  }
}
