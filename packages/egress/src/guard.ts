import { type AllowList, parseAllowList } from './allow-list.ts'
import { canonicalHost } from './canonical-host.ts'
import { notConnected, notPermitted } from './network-failure.ts'
import { isPublicAddress } from './public-address.ts'
import { type Resolve, resolveByDns, resolveBySystem } from './resolve.ts'

export type Scheme = 'https' | 'http' | 'smtp' | 'smtp-plain'
/** Without a scheme a target may use the ports of every encrypted one. */
export type Target = { host: string; port: number; scheme?: Scheme }
/** The part of a target that is not permitted; `reason` may be shown to the tenant. */
export type Refusal = { ok: false; part: 'host' | 'port'; reason: string }
export type Verdict = { ok: true } | Refusal
/** Ports that public hosts may be reached on, for each scheme; hosts on the allow list may use any. */
export type Policy = { ports: Record<Scheme, number[]> }
export type GuardOptions = {
  allow: string[]
  mailPort?: boolean | undefined
  resolve?: Resolve
  policy?: Policy
}

const defaultPolicy: Policy = {
  ports: { https: [443], http: [], smtp: [465, 587, 2465, 2525, 2587], 'smtp-plain': [] },
}
/** The port on which mail servers accept mail from any sender: such mail counts for the reputation of this machine's address. */
const MAIL_PORT = 25

// Names that mean this machine or network, and public zones that answer with whatever address the name spells.
const privateZones = ['localhost', 'local', 'localdomain', 'internal', 'intranet', 'lan', 'arpa', 'onion']
const spellingZones = ['nip.io', 'sslip.io', 'xip.io', 'localtest.me', 'lvh.me', 'vcap.me']
const refusedZones = [...privateZones, ...spellingZones]

const permitted: Verdict = { ok: true }

/** The egress rules: permitted hosts, ports and addresses. */
export class Guard {
  readonly #allow: AllowList
  readonly #ports: Policy['ports']
  readonly #resolve: Resolve | undefined

  constructor(options: GuardOptions) {
    this.#allow = parseAllowList(options.allow)
    const { ports } = options.policy ?? defaultPolicy
    this.#ports = options.mailPort ? { ...ports, smtp: [...ports.smtp, MAIL_PORT] } : ports
    this.#resolve = options.resolve
  }

  /** Checks a target without DNS. */
  check(target: Target): Verdict {
    const host = canonicalHost(target.host)
    if (!host) return refuse('host', 'host is not a host name or an address')
    if (!Number.isInteger(target.port) || target.port < 1 || target.port > 65535) {
      return refuse('port', 'port is not between 1 and 65535')
    }
    return host.kind === 'address'
      ? this.#checkAddress(host.address, target)
      : this.#checkName(host.name, target)
  }

  /** The addresses of a target, of which any may be connected to; throws if even one of them is not permitted. */
  async resolve(target: Target): Promise<string[]> {
    const found = await this.lookUp(target)
    if (!found.ok) throw notPermitted(found.reason)
    return found.addresses
  }

  /** The same as a verdict; throws only if the name does not resolve. */
  async lookUp(target: Target): Promise<{ ok: true; addresses: string[] } | Refusal> {
    const verdict = this.check(target)
    if (!verdict.ok) return verdict
    const host = canonicalHost(target.host)
    if (host?.kind !== 'name') return { ok: true, addresses: host ? [host.address] : [] }
    const listed = this.#allow.permitsName(host.name, target.port)
    const addresses = await (this.#resolve ?? (listed ? resolveBySystem : resolveByDns))(host.name)
    if (addresses.length === 0) throw notConnected('host name does not resolve')
    if (listed || addresses.every((address) => this.#checkAddress(address, target).ok))
      return { ok: true, addresses }
    // The address itself is not shown: it may be a name of an inner network.
    const onlyThePort = addresses.every(isPublicAddress)
    return onlyThePort
      ? refuse('port', wrongPort(target))
      : refuse('host', 'host name leads to an address that is not public')
  }

  #checkAddress(address: string, target: Target): Verdict {
    if (this.#allow.permitsAddress(address, target.port)) return permitted
    if (!isPublicAddress(address)) return refuse('host', 'address is not public')
    return this.#isUsualPort(target) ? permitted : refuse('port', wrongPort(target))
  }

  #checkName(name: string, target: Target): Verdict {
    if (this.#allow.permitsName(name, target.port)) return permitted
    if (!name.includes('.') || isInRefusedZone(name)) return refuse('host', 'host name is not public')
    // The name may lead to listed addresses, where other ports will do too: only DNS can tell.
    const possible = this.#isUsualPort(target) || this.#allow.permitsPort(target.port)
    return possible ? permitted : refuse('port', wrongPort(target))
  }

  #isUsualPort({ port, scheme }: Target): boolean {
    return (scheme ? this.#ports[scheme] : Object.values(this.#ports).flat()).includes(port)
  }
}

function isInRefusedZone(name: string): boolean {
  return refusedZones.some((zone) => name === zone || name.endsWith(`.${zone}`))
}

function refuse(part: Refusal['part'], reason: string): Refusal {
  return { ok: false, part, reason }
}

function wrongPort(target: Target): string {
  if (target.port === MAIL_PORT && target.scheme === 'smtp')
    return 'port 25 is not permitted here: mail straight to mail servers goes out by the name of this installation, so its operator has to permit it (LETTERGATE_EGRESS_PORT_25)'
  return `port ${target.port} is not permitted${target.scheme ? ` for ${target.scheme}` : ''}`
}
