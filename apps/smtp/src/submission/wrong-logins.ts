import { LRUCache } from 'lru-cache'

const KEPT_MAX = 10_000
const KEPT_MS = 600_000
const FIRST_MS = 100
const LAST_MS = 5_000

/** How long the answer to a wrong login waits: longer with each one by this address, and by this user name. */
export type WrongLogins = { note(address: string, userName: string): number; count(address: string): number }

export function createWrongLogins(): WrongLogins {
  const byHolder = () => new LRUCache<string, number>({ max: KEPT_MAX, ttl: KEPT_MS })
  const addresses = byHolder()
  const userNames = byHolder()
  const next = (counts: LRUCache<string, number>, holder: string): number => {
    const count = (counts.get(holder) ?? 0) + 1
    counts.set(holder, count)
    return count
  }
  return {
    note(address, userName) {
      const count = Math.max(next(addresses, address), next(userNames, userName.slice(0, 100)))
      return Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(count - 1, 10))
    },
    count: (address) => addresses.get(address) ?? 0,
  }
}
