import { isIPv6 } from 'node:net'

/** How many of one kind may be there at once, in all and for one holder. */
export type Caps = {
  /** Answers the release; null: there are too many. */
  take(holder: string): (() => void) | null
  size(): number
}

export function createCaps(max: number, perHolderMax: number): Caps {
  const held = new Map<string, number>()
  let all = 0
  return {
    take(holder) {
      const own = held.get(holder) ?? 0
      if (all >= max || own >= perHolderMax) return null
      held.set(holder, own + 1)
      all += 1
      let isReleased = false
      return () => {
        if (isReleased) return
        isReleased = true
        all -= 1
        const left = (held.get(holder) ?? 1) - 1
        if (left > 0) held.set(holder, left)
        else held.delete(holder)
      }
    },
    size: () => all,
  }
}

/** Who stands behind an address: of IPv6, a customer has a network of 64 bits. */
export function holderOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  const whole = [...groups, ...Array.from({ length: Math.max(zeros, 0) }, () => '0')]
  return `${[...whole, '0', '0', '0', '0'].slice(0, 4).join(':')}::/64`
}
