import { BlockList, isIP } from 'node:net'

type Parsed = { address: string; family: 'ipv4' | 'ipv6'; bits: number }

/** A network as `10.1.0.0/16`, `2001:db8::/32`, or a single address; null: it is none. */
function parseNetwork(text: string): Parsed | null {
  const [address = '', bits, more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%') || more !== undefined) return null
  const widest = version === 4 ? 32 : 128
  const prefix = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (!(prefix >= 0 && prefix <= widest)) return null
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', bits: prefix }
}

export const isNetwork = (text: string): boolean => parseNetwork(text) !== null

export type Networks = {
  /** Whether an address is in one of them. An IPv4 address in IPv6 spelling counts as IPv4. */
  has(address: string): boolean
  /** Whether a whole network is inside one of them. */
  hasAll(network: string): boolean
}

/** Networks to hold addresses against. A text that is no network is left out, so that it permits nothing. */
export function createNetworks(texts: readonly string[]): Networks {
  const lists = texts.flatMap((text) => {
    const parsed = parseNetwork(text)
    if (!parsed) return []
    const list = new BlockList()
    list.addSubnet(parsed.address, parsed.bits, parsed.family)
    return [{ ...parsed, list }]
  })
  const plain = (address: string) => (/^::ffff:\d/i.test(address) ? address.slice(7) : address)
  return {
    has(address) {
      const bare = plain(address)
      const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4'
      return isIP(bare) !== 0 && lists.some((one) => one.family === family && one.list.check(bare, family))
    },
    hasAll(network) {
      const inner = parseNetwork(network)
      if (!inner) return false
      return lists.some(
        ({ family, bits, list }) =>
          family === inner.family && bits <= inner.bits && list.check(inner.address, family),
      )
    },
  }
}
