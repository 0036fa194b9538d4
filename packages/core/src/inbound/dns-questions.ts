import { promises as dns } from 'node:dns'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'

/** As mailauth asks: a name and a type, answered as `dns.resolve` does. */
export type Resolve = (name: string, type: string) => Promise<string[] | string[][]>

const QUESTION_MS = 2_000
/** Records of mail authentication are far smaller; a larger one is an attack on who reads it. */
const ANSWER_BYTES_MAX = 4 * 1024
const TTL_MS = 60_000
const CACHE_MAX = 20_000
const NAME_CHARS_MAX = 253
const TYPES = new Set(['TXT', 'A', 'AAAA', 'MX', 'PTR'])
/** Names that mean something inside of a network only: https://www.rfc-editor.org/rfc/rfc6761 */
const INSIDE = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|test|example|invalid|onion)$/

class DnsError extends Error {
  readonly code: string
  constructor(code: string) {
    super(`the DNS gave no answer (${code})`)
    this.code = code
  }
}

function sizeOf(answer: unknown): number {
  if (typeof answer === 'string') return answer.length
  if (Array.isArray(answer)) return answer.reduce((sum: number, one: unknown) => sum + sizeOf(one), 0)
  return 64
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'ESERVFAIL'

type Answer = { value: string[] | string[][] } | { code: string }

/** Asks the DNS for records of mail authentication: cached, bounded in time and size, and never for a name of an inner network. */
export function createDnsQuestions(ask: Resolve = askDns()): Resolve {
  const cache = new LRUCache<string, Promise<Answer>>({ max: CACHE_MAX, ttl: TTL_MS })

  async function answer(name: string, type: string): Promise<Answer> {
    try {
      const value = await ask(name, type)
      return sizeOf(value) > ANSWER_BYTES_MAX ? { code: 'EBADRESP' } : { value }
    } catch (error) {
      return { code: codeOf(error) }
    }
  }

  return async (given, rrtype) => {
    const name = given.toLowerCase().replace(/\.$/, '')
    const type = rrtype.toUpperCase()
    if (!TYPES.has(type) || name.length > NAME_CHARS_MAX || INSIDE.test(name)) throw new DnsError('ENOTFOUND')
    const key = `${type} ${name}`
    const asked = cache.get(key) ?? answer(name, type)
    cache.set(key, asked)
    const found = await asked
    if ('value' in found) return found.value
    // What may be otherwise in a moment is not kept.
    if (found.code !== 'ENOTFOUND' && found.code !== 'ENODATA' && found.code !== 'EBADRESP') cache.delete(key)
    throw new DnsError(found.code)
  }
}

/** mailauth takes lists, of MX records too; its own types name only those of texts. */
const Records = z.custom<string[] | string[][]>((value) => Array.isArray(value))

function askDns(): Resolve {
  const resolver = new dns.Resolver({ timeout: QUESTION_MS, tries: 1 })
  return async (name, type) => Records.parse(await resolver.resolve(name, type))
}

/** The same for one mail: no question is asked after this time. */
export function withDeadline(resolve: Resolve, ms: number): Resolve {
  const end = performance.now() + ms
  return async (name, type) => {
    const left = end - performance.now()
    if (left <= 0) throw new DnsError('ETIMEOUT')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DnsError('ETIMEOUT')), left)
    })
    try {
      return await Promise.race([resolve(name, type), late])
    } finally {
      clearTimeout(timer)
    }
  }
}
