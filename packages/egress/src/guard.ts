import { type AllowList, parseAllowList } from './allow-list.ts'
import { canonicalHost } from './canonical-host.ts'
import { notConnected, notPermitted } from './network-failure.ts'
import type { EgressPolicy } from './policy.ts'
import { isPublicAddress } from './public-address.ts'
import { type Resolve, resolveByDns, resolveBySystem } from './resolve.ts'
import type { Scheme, Target } from './target.ts'

export type { Scheme, Target } from './target.ts'

/**
 * The rule that decided: `operator-list`, `public-internet`, `plan/0`, `tenant/0` … permit; `host-form`, `special-addresses`, `own-host`,
 * `usual-ports` and `plan` refuse.
 */
export type RuleName = string
/** The part of a target that is not permitted; `reason` may be shown to the tenant. */
export type Refusal = { ok: false; part: 'host' | 'port'; reason: string; rule: RuleName }
export type Verdict = { ok: true; rule: RuleName } | Refusal
/** Ports that public hosts may be reached on, for each scheme; hosts on the allow list may use any. */
export type Policy = { ports: Record<Scheme, number[]> }
export type GuardOptions = {
  allow: string[]
  mailPort?: boolean | undefined
  /** Where this gateway is reached itself: no call of a tenant goes there by http. A URL with a path has others on its host. */
  ownUrl?: string | undefined
  resolve?: Resolve
  policy?: Policy
}

/** Ports of public hosts, by protocol. */
export const usualPorts: Record<Scheme, number[]> = {
  https: [443],
  http: [],
  smtp: [465, 587, 2465, 2525, 2587],
  'smtp-plain': [],
}
const defaultPolicy: Policy = { ports: usualPorts }
/** The port on which mail servers accept mail from any sender: such mail counts for the reputation of this machine's address. */
const MAIL_PORT = 25

// Names that mean this machine or network, and public zones that answer with whatever address the name spells.
const privateZones = ['localhost', 'local', 'localdomain', 'internal', 'intranet', 'lan', 'arpa', 'onion']
const spellingZones = ['nip.io', 'sslip.io', 'xip.io', 'localtest.me', 'lvh.me', 'vcap.me']
const refusedZones = [...privateZones, ...spellingZones]

const listed: Verdict = { ok: true, rule: 'operator-list' }
/** Without DNS: the name is permitted only if it leads to listed addresses. */
const perhapsListed: Verdict = { ok: true, rule: 'listed-addresses' }
const publicInternet: Verdict = { ok: true, rule: 'public-internet' }

/** The host of a URL that is all of its host; null: there is none, or others are there too. */
function wholeHost(text: string | undefined): string | null {
  const url = text === undefined ? null : new URL(text)
  const host = url?.pathname === '/' ? canonicalHost(url.hostname) : null
  return host?.kind === 'name' ? host.name : null
}

type Host = { name: string } | { address: string }

/**
 * The egress rules: permitted hosts, ports and addresses. Those of the gateway hold for everything; the operator's list stands above them.
 * A tenant's policy narrows the public internet, and may add ports of public hosts, but never an address that is not public.
 */
export class Guard {
  readonly #options: GuardOptions
  readonly #allow: AllowList
  readonly #ports: Policy['ports']
  readonly #resolve: Resolve | undefined
  readonly #tenant: EgressPolicy | null
  readonly #ownHost: string | null

  constructor(options: GuardOptions, tenant: EgressPolicy | null = null) {
    this.#options = options
    this.#allow = parseAllowList(options.allow)
    const { ports } = options.policy ?? defaultPolicy
    this.#ports = options.mailPort ? { ...ports, smtp: [...ports.smtp, MAIL_PORT] } : ports
    this.#resolve = options.resolve
    this.#tenant = tenant
    this.#ownHost = wholeHost(options.ownUrl)
  }

  /** The same guard under the policy of a tenant. */
  under(policy: EgressPolicy): Guard {
    return new Guard(this.#options, policy)
  }

  /** Checks a target without DNS. */
  check(target: Target): Verdict {
    const host = canonicalHost(target.host)
    if (!host) return refuse('host', 'host is not a host name or an address', 'host-form')
    if (!Number.isInteger(target.port) || target.port < 1 || target.port > 65535) {
      return refuse('port', 'port is not between 1 and 65535', 'host-form')
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
  async lookUp(target: Target): Promise<{ ok: true; rule: RuleName; addresses: string[] } | Refusal> {
    const verdict = this.check(target)
    if (!verdict.ok) return verdict
    const host = canonicalHost(target.host)
    if (host?.kind !== 'name') return { ok: true, rule: verdict.rule, addresses: host ? [host.address] : [] }
    const isListed = this.#allow.permitsName(host.name, target.port)
    const addresses = await (this.#resolve ?? (isListed ? resolveBySystem : resolveByDns))(host.name)
    if (addresses.length === 0) throw notConnected('host name does not resolve')
    if (isListed || addresses.every((address) => this.#allow.permitsAddress(address, target.port)))
      return { ok: true, rule: listed.rule, addresses }
    const isListedOrPublic = (address: string) =>
      this.#allow.permitsAddress(address, target.port) || isPublicAddress(address)
    // The address itself is not shown: it may be a name of an inner network.
    if (!addresses.every(isListedOrPublic))
      return refuse('host', 'host name leads to an address that is not public', 'special-addresses')
    const judged = this.#judgePublic(host, target)
    return judged.ok ? { ok: true, rule: judged.rule, addresses } : judged
  }

  #checkAddress(address: string, target: Target): Verdict {
    if (this.#allow.permitsAddress(address, target.port)) return listed
    if (!isPublicAddress(address)) return refuse('host', 'address is not public', 'special-addresses')
    return this.#judgePublic({ address }, target)
  }

  #checkName(name: string, target: Target): Verdict {
    if (this.#allow.permitsName(name, target.port)) return listed
    if (!name.includes('.') || isInRefusedZone(name))
      return refuse('host', 'host name is not public', 'special-addresses')
    // A call that makes another call of itself would go round without an end.
    if (name === this.#ownHost && (target.scheme === 'https' || target.scheme === 'http'))
      return refuse('host', 'host is that of this gateway, which would call itself', 'own-host')
    const judged = this.#judgePublic({ name }, target)
    // The name may lead to listed addresses, where other rules hold: only DNS can tell.
    return !judged.ok && this.#allow.permitsPort(target.port) ? perhapsListed : judged
  }

  /** A public host, by the ports of its protocol and the policy of the tenant. */
  #judgePublic(host: Host, target: Target): Verdict {
    const judged = this.#tenant?.judge(host, target)
    if (judged?.kind === 'permitted') {
      // Mail straight to mail servers counts for the reputation of this machine, whatever a policy says.
      const mayUsePort = this.#isUsualPort(target) || (judged.namesPort && target.port !== MAIL_PORT)
      return mayUsePort ? { ok: true, rule: judged.rule } : refuse('port', wrongPort(target), 'usual-ports')
    }
    if (judged && !this.#tenant?.isPublic)
      return refuse(judged.part, notInPolicy(this.#tenant?.owner ?? '', target), 'plan')
    return this.#isUsualPort(target) ? publicInternet : refuse('port', wrongPort(target), 'usual-ports')
  }

  #isUsualPort({ port, scheme }: Target): boolean {
    return (scheme ? this.#ports[scheme] : Object.values(this.#ports).flat()).includes(port)
  }
}

function isInRefusedZone(name: string): boolean {
  return refusedZones.some((zone) => name === zone || name.endsWith(`.${zone}`))
}

function refuse(part: Refusal['part'], reason: string, rule: RuleName): Refusal {
  return { ok: false, part, reason, rule }
}

function notInPolicy(owner: string, { host, port, scheme }: Target): string {
  const how = scheme ? ` by ${scheme}` : ''
  return `${owner} may not reach ${host} on port ${port}${how}. GET /v1/egress lists the permitted hosts: use one of them, or ask the operator to permit this one or for another plan`
}

function wrongPort(target: Target): string {
  if (target.port === MAIL_PORT && target.scheme === 'smtp')
    return 'port 25 is not permitted here: mail straight to mail servers goes out by the name of this installation, so its operator has to permit it (LETTERGATE_EGRESS_PORT_25)'
  return `port ${target.port} is not permitted${target.scheme ? ` for ${target.scheme}` : ''}`
}
