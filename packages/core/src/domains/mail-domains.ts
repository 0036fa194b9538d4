import type { Dns } from '@lettergate/egress/dns'
import { LRUCache } from 'lru-cache'

/** `null-mx`: it says that it takes no mail (RFC 7505). `none`: it has neither an MX record nor an address. `no-name`: it does not exist. */
export type MailVerdict = 'takes-mail' | 'null-mx' | 'none' | 'no-name' | 'unknown'

export type MailDomains = {
  /** Within `waitMs`; later answers are kept for the next question. */
  ask(domain: string, waitMs: number): Promise<MailVerdict>
  /** What is known already; begins to look otherwise. */
  known(domain: string): MailVerdict
}

const DOMAINS_MAX = 50_000
const HOUR = 3_600_000
/** A domain that gets its records today must not be refused until tomorrow. */
const KEPT_MS: Record<MailVerdict, number> = {
  'takes-mail': HOUR,
  'null-mx': HOUR,
  none: HOUR / 12,
  'no-name': HOUR / 12,
  unknown: 30_000,
}
/** Questions at the same time: a sender with very many domains must not hold all of the resolver. */
const ASKING_MAX = 100

async function lookUp(dns: Dns, domain: string): Promise<MailVerdict> {
  return dns.within(async ({ ask }) => {
    const mx = await ask(domain, 'MX')
    if (mx.kind === 'unanswered') return 'unknown'
    if (mx.kind === 'no-name') return 'no-name'
    if (mx.kind === 'found')
      return mx.values.every((value) => /^\d+ $/.test(value)) ? 'null-mx' : 'takes-mail'
    const addresses = await Promise.all([ask(domain, 'A'), ask(domain, 'AAAA')])
    if (addresses.some(({ kind }) => kind === 'found')) return 'takes-mail'
    return addresses.some(({ kind }) => kind === 'unanswered') ? 'unknown' : 'none'
  })
}

/** Whether domains take mail at all, as the DNS says, with a cache of the process. */
export function createMailDomains(dns: Dns): MailDomains {
  const cache = new LRUCache<string, MailVerdict>({ max: DOMAINS_MAX })
  const asking = new Map<string, Promise<MailVerdict>>()

  function begin(domain: string): Promise<MailVerdict> {
    const underWay = asking.get(domain)
    if (underWay) return underWay
    if (asking.size >= ASKING_MAX) return Promise.resolve('unknown')
    const question = lookUp(dns, domain)
      .catch((): MailVerdict => 'unknown')
      .then((verdict) => {
        cache.set(domain, verdict, { ttl: KEPT_MS[verdict] })
        asking.delete(domain)
        return verdict
      })
    asking.set(domain, question)
    return question
  }

  return {
    async ask(domain, waitMs) {
      const cached = cache.get(domain)
      if (cached) return cached
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<MailVerdict>((resolve) => {
        timer = setTimeout(() => resolve('unknown'), waitMs)
      })
      const verdict = await Promise.race([begin(domain), late])
      clearTimeout(timer)
      return verdict
    },
    known(domain) {
      const cached = cache.get(domain)
      if (cached) return cached
      void begin(domain)
      return 'unknown'
    },
  }
}
