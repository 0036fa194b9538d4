export type BodyBudget = {
  /** Reserves bytes; false when there is no room. */
  take(bytes: number): boolean
  give(bytes: number): void
  used(): number
}

/** One count of body bytes that all requests of this process share, so that memory stays bounded for any requests. */
export function createBodyBudget(bytesMax: number): BodyBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > bytesMax) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
    },
    used: () => used,
  }
}
