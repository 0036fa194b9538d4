import { parseAllowList } from './allow-list.ts'
import { type CanonicalHost, canonicalHost } from './canonical-host.ts'
import { notConnected, notPermitted } from './network-failure.ts'
import { isPublicAddress } from './public-address.ts'
import { type Resolve, resolveByDns, resolveBySystem } from './resolve.ts'

export type Scheme = 'https' | 'http' | 'smtp' | 'smtp-plain'
/** Without a scheme a target may use the ports of every encrypted one. */
export type Target = { host: string; port: number; scheme?: Scheme }
export type Verdict = { ok: true } | { ok: false; reason: string }
/** Ports that public hosts may be reached on, for each scheme; hosts on the allow list may use any. */
export type Policy = { ports: Record<Scheme, number[]> }

export const defaultPolicy: Policy = {
  ports: { https: [443], http: [], smtp: [25, 465, 587, 2465, 2525, 2587], 'smtp-plain': [] },
}

// Names that stand for this machine or network, and public zones that answer with whatever address the name spells.
const privateZones = ['localhost', 'local', 'localdomain', 'internal', 'intranet', 'lan', 'arpa', 'onion']
const spellingZones = ['nip.io', 'sslip.io', 'xip.io', 'localtest.me', 'lvh.me', 'vcap.me']
const refusedZones = [...privateZones, ...spellingZones]

export type Guard = {
  /** What can be said without DNS. */
  check(target: Target): Verdict
  /** The addresses of a target, of which any may be connected to; throws if even one of them is not permitted. */
  resolve(target: Target): Promise<string[]>
}

/** The rules of the way out: which host, on which port, at which addresses. */
export function createGuard(options: { allow: string[]; resolve?: Resolve; policy?: Policy }): Guard {
  const allow = parseAllowList(options.allow)
  const ports = (options.policy ?? defaultPolicy).ports

  const portPermitted = ({ port, scheme }: Target) =>
    (scheme ? ports[scheme] : Object.values(ports).flat()).includes(port)
  const addressPermitted = (address: string, target: Target) =>
    allow.permitsAddress(address, target.port) || (isPublicAddress(address) && portPermitted(target))

  function check(target: Target): Verdict {
    const host = canonicalHost(target.host)
    if (!host) return { ok: false, reason: 'host is not a host name or an address' }
    if (!Number.isInteger(target.port) || target.port < 1 || target.port > 65535) {
      return { ok: false, reason: 'port is not between 1 and 65535' }
    }
    return judge(host, target)
  }

  function judge(host: CanonicalHost, target: Target): Verdict {
    if (host.kind === 'address') {
      if (addressPermitted(host.address, target)) return { ok: true }
      return {
        ok: false,
        reason: isPublicAddress(host.address) ? wrongPort(target) : 'address is not public',
      }
    }
    if (allow.permitsName(host.name, target.port)) return { ok: true }
    if (!host.name.includes('.') || inZones(host.name))
      return { ok: false, reason: 'host name is not public' }
    // The name may lead to listed addresses, where other ports will do too: only DNS can tell.
    return portPermitted(target) || allow.permitsPort(target.port)
      ? { ok: true }
      : { ok: false, reason: wrongPort(target) }
  }

  async function resolve(target: Target): Promise<string[]> {
    const verdict = check(target)
    const host = canonicalHost(target.host)
    if (!verdict.ok || !host) throw notPermitted(verdict.ok ? 'host is not valid' : verdict.reason)
    if (host.kind === 'address') return [host.address]
    const listed = allow.permitsName(host.name, target.port)
    const addresses = await (options.resolve ?? (listed ? resolveBySystem : resolveByDns))(host.name)
    if (addresses.length === 0) throw notConnected('host name does not resolve')
    if (listed || addresses.every((address) => addressPermitted(address, target))) return addresses
    throw notPermitted(
      addresses.every(isPublicAddress)
        ? wrongPort(target)
        : 'host name leads to an address that is not public',
    )
  }

  return { check, resolve }
}

function inZones(name: string): boolean {
  return refusedZones.some((zone) => name === zone || name.endsWith(`.${zone}`))
}

function wrongPort(target: Target): string {
  return `port ${target.port} is not permitted${target.scheme ? ` for ${target.scheme}` : ''}`
}
