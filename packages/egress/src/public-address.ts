import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

export type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

// https://www.iana.org/assignments/iana-ipv4-special-registry and, last, the address under which
// Azure answers its virtual machines.
const specialV4 = networks(
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24',
  '192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15',
  '198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32',
)
// A list of what is bad would miss the many ways to write an IPv4 address in IPv6 (`::7f00:1`, NAT64, …): only the
// one block that is handed out is good, less its own special ranges.
const globalV6 = ipaddr.parseCIDR('2000::/3')
// https://www.iana.org/assignments/iana-ipv6-special-registry
const specialV6 = networks('2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20')

/** Whether an address belongs to the public internet; anything not written plainly does not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !inAny(address, specialV4)
  if (!isIPv6(address) || address.includes('%')) return false
  return inNetwork(address, globalV6) && !inAny(address, specialV6)
}

/** Whether an address lies in a network of the same family. */
export function inNetwork(address: string, network: Network): boolean {
  const parsed = ipaddr.parse(address)
  return parsed.kind() === network[0].kind() && parsed.match(network)
}

function inAny(address: string, ranges: Network[]): boolean {
  return ranges.some((range) => inNetwork(address, range))
}

function networks(...lines: string[]): Network[] {
  return lines.flatMap((line) => line.split(' ')).map((text) => ipaddr.parseCIDR(text))
}
