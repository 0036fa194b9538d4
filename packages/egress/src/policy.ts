import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { canonicalHost } from './canonical-host.ts'
import { inNetwork, type Network } from './public-address.ts'
import type { Scheme, Target } from './target.ts'

/** Targets that a policy permits. Without ports: those that are usual for the protocols. */
export type EgressRule = {
  protocols: readonly Scheme[]
  hosts: readonly string[]
  ports?: readonly number[] | undefined
}

/** What the rules of a policy say of a target; `host`: no rule names its host, `port`: none its port or protocol. */
export type PolicyVerdict =
  | { kind: 'permitted'; rule: string; namesPort: boolean }
  | { kind: 'refused'; part: 'host' | 'port' }

export type EgressPolicy = {
  /** Equal for policies that permit the same. */
  readonly key: string
  /** Whether the public internet is permitted besides the rules. */
  readonly isPublic: boolean
  judge(host: { name: string } | { address: string }, target: Target): PolicyVerdict
  /** For the tenant: whose rules refused it. */
  readonly owner: string
}

type Pattern = { text: string; fits(host: { name: string } | { address: string }): boolean }
type ParsedRule = {
  name: string
  protocols: ReadonlySet<string>
  patterns: Pattern[]
  ports: ReadonlySet<number> | null
}

/** Of a policy, so that it can be judged for each call. */
const RULES_MAX = 50
const HOSTS_MAX = 200

/**
 * A host of a rule: an exact name, `*.suffix` for any name below it, a name in which `*` stands for one whole label, an address or a network.
 * A network permits targets that are written as an address: the addresses of a name change, so its name is permitted or refused.
 */
function parsePattern(text: string): Pattern {
  const wrong = () =>
    new Error(`egress policy: "${text}" is not a host, a pattern with whole labels as *, or a network`)
  const [bare = '', bits] = text.split('/')
  if (bits !== undefined || isIP(bare.replace(/^\[|\]$/g, '')) !== 0) {
    const host = canonicalHost(bare)
    if (host?.kind !== 'address' || !/^(\d{1,3})?$/.test(bits ?? '')) throw wrong()
    const widest = isIP(host.address) === 4 ? 32 : 128
    const prefix = bits === undefined ? widest : Number(bits)
    if (prefix > widest) throw wrong()
    const network: Network = [ipaddr.parse(host.address), prefix]
    return { text, fits: (host) => 'address' in host && inNetwork(host.address, network) }
  }
  const labels = text.toLowerCase().split('.')
  const plain = canonicalHost(labels.map((label) => (label === '*' ? 'x' : label)).join('.'))
  if (plain?.kind !== 'name' || labels.every((label) => label === '*')) throw wrong()
  const known = plain.name.split('.').map((label, i) => (labels[i] === '*' ? '*' : label))
  const isSuffix = known[0] === '*' && !known.slice(1).includes('*')
  return {
    text,
    fits(host) {
      if (!('name' in host)) return false
      if (isSuffix) return host.name.endsWith(`.${known.slice(1).join('.')}`)
      const given = host.name.split('.')
      return given.length === known.length && known.every((label, i) => label === '*' || label === given[i])
    },
  }
}

function parseRule(rule: EgressRule, name: string): ParsedRule {
  const ports = rule.ports ?? null
  if (rule.hosts.length > HOSTS_MAX) throw new Error(`egress policy: more than ${HOSTS_MAX} hosts in a rule`)
  if (ports?.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535))
    throw new Error('egress policy: a port is not between 1 and 65535')
  return {
    name,
    protocols: new Set(rule.protocols),
    patterns: rule.hosts.map(parsePattern),
    ports: ports === null ? null : new Set(ports),
  }
}

/**
 * The rules of a tenant: those of its plan (null: the public internet) and those that the operator added for it alone. Throws for a rule
 * that is not well-formed: a policy that is only half understood must not permit anything.
 */
export function createPolicy(given: {
  owner: string
  plan: readonly EgressRule[] | null
  extra: readonly EgressRule[]
}): EgressPolicy {
  const { owner, plan, extra } = given
  if ((plan?.length ?? 0) + extra.length > RULES_MAX)
    throw new Error(`egress policy: more than ${RULES_MAX} rules`)
  const rules = [
    ...(plan ?? []).map((rule, i) => parseRule(rule, `plan/${i}`)),
    ...extra.map((rule, i) => parseRule(rule, `tenant/${i}`)),
  ]
  return {
    key: JSON.stringify([owner, plan, extra]),
    isPublic: plan === null,
    owner,
    judge(host, { port, scheme }) {
      const ofHost = rules.filter(({ patterns }) => patterns.some((pattern) => pattern.fits(host)))
      const found = ofHost.find(
        ({ protocols, ports }) =>
          (scheme === undefined || protocols.has(scheme)) && (ports === null || ports.has(port)),
      )
      if (found) return { kind: 'permitted', rule: found.name, namesPort: found.ports !== null }
      return { kind: 'refused', part: ofHost.length > 0 ? 'port' : 'host' }
    },
  }
}
