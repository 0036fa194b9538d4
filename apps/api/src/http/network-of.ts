import { isIPv6 } from 'node:net'

/** What one client has: an IPv4 address, or an IPv6 network of 64 bits, in which a machine may take any address. */
export function networkOf(address: string): string {
  const bare = /^::ffff:[\d.]+$/i.test(address) ? address.slice(7) : (address.split('%')[0] ?? '')
  if (!isIPv6(bare)) return bare
  const [head = '', tail] = bare.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length
  const groups = [...first, ...Array<string>(Math.max(0, zeros)).fill('0'), ...last]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
