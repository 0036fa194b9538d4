/** The bytes of mails that are being received, in all sessions together, and for one holder: a tenant, or a network without a login. */
export type Memory = {
  /** False: there is no room for this holder. What was taken before stays taken. */
  take(holder: string, bytes: number): boolean
  give(holder: string, bytes: number): void
  /** This holder should begin nothing new. */
  isTight(holder: string): boolean
  used(): number
}

/** From this part of its share on a holder begins no mail, so that those under way can end. */
const TIGHT = 0.75

/** A holder may have as much as is free: one alone half of it, and room is left for another. */
export function createMemory(bytesMax: number): Memory {
  const held = new Map<string, number>()
  let used = 0
  const heldBy = (holder: string): number => held.get(holder) ?? 0
  return {
    take(holder, bytes) {
      const own = heldBy(holder) + bytes
      if (own > bytesMax - used - bytes) return false
      used += bytes
      held.set(holder, own)
      return true
    },
    give(holder, bytes) {
      used -= bytes
      const left = heldBy(holder) - bytes
      if (left > 0) held.set(holder, left)
      else held.delete(holder)
    },
    isTight: (holder) => heldBy(holder) > (bytesMax - used) * TIGHT,
    used: () => used,
  }
}
