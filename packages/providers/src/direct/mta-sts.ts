import { setTimeout } from 'node:timers/promises'
import type { Io } from '../provider.ts'
import { ask, type Resolver } from './resolver.ts'

/** Policy of a domain for its senders; `mx` are names whose first label may be `*`. */
export type StsPolicy = { mode: 'enforce' | 'testing' | 'none'; mx: string[] }
type Known = { id: string; policy: StsPolicy; untilMs: number; askAgainMs: number }

const domainsMax = 5_000
const policyBytesMax = 64 * 1024
/** A longer line holds no name of a host. */
const policyLineMax = 1024
/** As many hosts as one policy may list. */
const policyHostsMax = 200
const fetchMs = 5_000
/** How long one look into the DNS holds. */
const recordMs = 300_000
/** A year: https://www.rfc-editor.org/rfc/rfc8461#section-3.2 */
const ageSecondsMax = 31_557_600
const none: StsPolicy = { mode: 'none', mx: [] }

/** The MTA-STS policies of domains, kept for as long as they say: https://www.rfc-editor.org/rfc/rfc8461 */
export class StsPolicies {
  readonly #resolver: Resolver
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<string, Promise<StsPolicy>>()

  constructor(resolver: Resolver) {
    this.#resolver = resolver
  }

  async of(domain: string, io: Io): Promise<StsPolicy> {
    const known = this.#known.get(domain)
    if (known && io.now().getTime() < known.askAgainMs) return known.policy
    const asking = this.#asking.get(domain)
    if (asking) return asking
    const asked = this.#renew(domain, io).finally(() => this.#asking.delete(domain))
    this.#asking.set(domain, asked)
    return asked
  }

  async #renew(domain: string, io: Io): Promise<StsPolicy> {
    const now = io.now().getTime()
    const known = this.#known.get(domain)
    // A policy stays in force until it expires, whatever happens to the record or to the host that served it.
    const kept = known && now < known.untilMs ? known : { id: '', policy: none, untilMs: 0 }
    const id = await this.#recordId(domain)
    const isSame = id === undefined || id === kept.id
    const fresh = isSame ? undefined : await fetchPolicy(domain, io)
    const { policy, maxAgeMs } = fresh ?? {}
    const next =
      id !== undefined && policy && maxAgeMs !== undefined ? { id, policy, untilMs: now + maxAgeMs } : kept
    this.#keep(domain, { ...next, askAgainMs: now + recordMs })
    return next.policy
  }

  /** The `id` of the domain's record; undefined when there is none, or no answer. */
  async #recordId(domain: string): Promise<string | undefined> {
    const records = await ask(this.#resolver.resolveTxt(`_mta-sts.${domain}`)).catch(() => null)
    const texts = (records ?? [])
      .map((pieces) => pieces.join('').slice(0, policyLineMax))
      .filter((text) => /^v=STSv1\s*;/.test(text))
    return texts.length === 1 ? /;\s*id=([A-Za-z0-9]{1,32})\s*(;|$)/.exec(texts[0] ?? '')?.[1] : undefined
  }

  #keep(domain: string, known: Known): void {
    this.#known.delete(domain)
    this.#known.set(domain, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > domainsMax && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** https://www.rfc-editor.org/rfc/rfc8461#section-3.3: no redirects, and only an answer of 200. */
async function fetchPolicy(domain: string, io: Io): Promise<ReturnType<typeof parsePolicy>> {
  const url = `https://mta-sts.${domain}/.well-known/mta-sts.txt`
  const asked = io.request({ method: 'GET', url, headers: { 'User-Agent': 'Lettergate' } }).then(
    ({ status, headers, body }) => {
      const isText = /^text\/plain\b/i.test(String(headers['content-type']))
      return status === 200 && isText && body.length <= policyBytesMax
        ? parsePolicy(body.toString())
        : undefined
    },
    () => undefined,
  )
  return Promise.race([asked, setTimeout(fetchMs, undefined, { ref: false })])
}

/** Reads a policy; undefined when it is none. */
export function parsePolicy(text: string): { policy: StsPolicy; maxAgeMs: number } | undefined {
  const fields = text.split('\n').flatMap((line) => {
    const colon = line.length > policyLineMax ? -1 : line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trimEnd().toLowerCase()
    return /^[a-z_]+$/.test(name) ? [{ name, value: line.slice(colon + 1).trim() }] : []
  })
  const first = (wanted: string) => fields.find(({ name }) => name === wanted)?.value
  const mode = first('mode')
  const seconds = Number(first('max_age'))
  const mx = fields
    .filter(({ name }) => name === 'mx')
    .slice(0, policyHostsMax)
    .map(({ value }) => value.toLowerCase())
  if (first('version') !== 'STSv1' || !Number.isInteger(seconds) || seconds < 0) return undefined
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined
  if (mode !== 'none' && mx.length === 0) return undefined
  return { policy: { mode, mx }, maxAgeMs: Math.min(seconds, ageSecondsMax) * 1000 }
}

/** Whether a policy lists a mail host: https://www.rfc-editor.org/rfc/rfc8461#section-4.1 */
export function lists(policy: StsPolicy, host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1)
  return policy.mx.some((name) => name === host || (name.startsWith('*.') && name.slice(2) === parent))
}
