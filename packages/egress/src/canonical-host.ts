import { isIPv4, isIPv6 } from 'node:net'

export type CanonicalHost = { kind: 'address'; address: string } | { kind: 'name'; name: string }

/**
 * The host that a text means, or null if it means none. The rules of the URL parser are used, because they know
 * every spelling that a resolver may read as an address: `2130706433`, `0x7f.1`, `①②⑦.⓪.⓪.①`, `127。0。0。1`.
 */
export function canonicalHost(host: string): CanonicalHost | null {
  const bare = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host
  if (bare.includes(':')) return isIPv6(bare) && !bare.includes('%') ? fromUrl(`[${bare}]`) : null
  // These either end the host part of a URL or hide something in it.
  if (bare !== host || host === '' || /[\p{Cc}\p{Cf}\s/\\?#@%<>^|[\]]/u.test(host)) return null
  return fromUrl(host)
}

function fromUrl(host: string): CanonicalHost | null {
  const hostname = URL.parse(`http://${host}/`)?.hostname.replace(/\.$/, '')
  if (!hostname) return null
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (isIPv4(bare) || isIPv6(bare)) return { kind: 'address', address: bare }
  const labels = bare.split('.')
  const wellFormed = bare.length <= 253 && labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
  return wellFormed ? { kind: 'name', name: bare } : null
}
