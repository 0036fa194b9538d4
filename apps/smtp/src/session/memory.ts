/** The bytes of mails that are being received, in all sessions together. */
export type Memory = {
  /** False: there is no room. What was taken before stays taken. */
  take(bytes: number): boolean
  give(bytes: number): void
  /** Nothing new should begin. */
  isTight(): boolean
  used(): number
}

/** From this share on no mail begins, so that those under way can end. */
const TIGHT = 0.75

export function createMemory(bytesMax: number): Memory {
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
    isTight: () => used > bytesMax * TIGHT,
    used: () => used,
  }
}
