import { ask, type Resolver } from './resolver.ts'

const hostsMax = 5

/** Finds the mail hosts of a domain in order of preference, or why there are none. */
export type MailHosts = { hosts: string[] } | { reason: string }

/** Looks up the mail hosts of a domain: https://www.rfc-editor.org/rfc/rfc5321#section-5.1 */
export async function findMailHosts(domain: string, resolver: Resolver): Promise<MailHosts> {
  const records = await ask(resolver.resolveMx(domain))
  if (records === null) return { reason: '550 5.1.2 the domain does not exist' }
  const named = records.map(({ exchange, priority }) => ({ host: exchange.replace(/\.$/, ''), priority }))
  // https://www.rfc-editor.org/rfc/rfc7505
  if (named.length > 0 && named.every(({ host }) => host === ''))
    return { reason: '556 5.1.10 the domain takes no mail (null MX)' }
  if (named.length === 0) return (await hasAddress(domain, resolver)) ? { hosts: [domain] } : noHost
  const hosts = named
    .filter(({ host }) => host !== '')
    // Among equals the load is shared by chance.
    .map((one) => ({ ...one, chance: Math.random() }))
    .sort((a, b) => a.priority - b.priority || a.chance - b.chance)
    .map(({ host }) => host.toLowerCase())
  return { hosts: [...new Set(hosts)].slice(0, hostsMax) }
}

const noHost = { reason: '550 5.1.2 the domain has no mail server and no address' }

async function hasAddress(domain: string, resolver: Resolver): Promise<boolean> {
  const [four, six] = await Promise.all([ask(resolver.resolve4(domain)), ask(resolver.resolve6(domain))])
  return (four?.length ?? 0) + (six?.length ?? 0) > 0
}
