import { promises as dns } from 'node:dns'
import { isIPv6 } from 'node:net'
import { parseAllowList } from './allow-list.ts'
import { isPublicAddress } from './public-address.ts'

export type RecordType = 'A' | 'AAAA' | 'CNAME' | 'MX' | 'NS' | 'PTR' | 'TXT'

/** `values`: the strings of a TXT record are joined; an MX is `priority host`. Names are in lower case, without the dot at their end. */
export type DnsAnswer =
  | { kind: 'found'; values: string[] }
  /** The name exists, or names below it, but has no such record. */
  | { kind: 'no-record' }
  | { kind: 'no-name' }
  /** Nothing follows from it. */
  | { kind: 'unanswered' }

export type NameServer = { host: string; address: string }

/** Questions with a common deadline. None throws. */
export type Asker = {
  /** Asks the resolver of this machine. */
  ask(name: string, type: RecordType): Promise<DnsAnswer>
  /** Asks one name server of a zone, past all caches. */
  askAt(server: NameServer, name: string, type: RecordType): Promise<DnsAnswer>
  /** Name servers in charge of a name, four at most: of the nearest zone above it that has any. */
  serversOf(name: string): Promise<NameServer[]>
}

export type Dns = {
  /** Runs `work` with questions that end together: 5 s by default. */
  within<T>(work: (asker: Asker) => Promise<T>, ms?: number): Promise<T>
}

export type DnsOptions = {
  /** As for the guard: addresses besides the public internet that may be asked. */
  allow: readonly string[]
  /** Resolvers to ask instead of this machine's own, `address:port`: for tests. */
  resolvers?: readonly string[]
  /** Of name servers: for tests. */
  port?: number
}

const DNS_PORT = 53
const QUESTION_MS = 2_000
const TOTAL_MS = 5_000
const SERVERS_MAX = 4
/** A hostile zone may answer with 64 kB for every name. */
const VALUES_MAX = 50
const CHARS_MAX = 4_096
const LABELS_MAX = 10

const nameOf = (text: string) => text.toLowerCase().replace(/\.$/, '')

const QUESTIONS: Record<RecordType, (resolver: dns.Resolver, name: string) => Promise<string[]>> = {
  A: (resolver, name) => resolver.resolve4(name),
  AAAA: (resolver, name) => resolver.resolve6(name),
  CNAME: async (resolver, name) => (await resolver.resolveCname(name)).map(nameOf),
  MX: async (resolver, name) =>
    (await resolver.resolveMx(name)).map(({ priority, exchange }) => `${priority} ${nameOf(exchange)}`),
  NS: async (resolver, name) => (await resolver.resolveNs(name)).map(nameOf),
  PTR: async (resolver, name) => (await resolver.resolvePtr(name)).map(nameOf),
  TXT: async (resolver, name) => (await resolver.resolveTxt(name)).map((strings) => strings.join('')),
}

async function question(resolver: dns.Resolver, name: string, type: RecordType): Promise<DnsAnswer> {
  try {
    const values = await QUESTIONS[type](resolver, name)
    if (values.length === 0) return { kind: 'no-record' }
    return { kind: 'found', values: values.slice(0, VALUES_MAX).map((value) => value.slice(0, CHARS_MAX)) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENODATA') return { kind: 'no-record' }
    if (code === 'ENOTFOUND') return { kind: 'no-name' }
    return { kind: 'unanswered' }
  }
}

const writeServer = ({ address }: NameServer, port: number) =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`

/**
 * Asks the DNS. Addresses of name servers are chosen by the owner of the domain, so that each must be public or on the allow list, as
 * for any other socket; otherwise a tenant could send questions to hosts of the inner network.
 */
export function createDns(options: DnsOptions): Dns {
  const allow = parseAllowList([...options.allow])
  const port = options.port ?? DNS_PORT
  const mayAsk = (address: string) =>
    allow.permitsAddress(address, port) || (isPublicAddress(address) && port === DNS_PORT)

  function open(): { asker: Asker; end(): void } {
    const resolvers = new Map<string, dns.Resolver>()
    const known = new Map<string, Promise<DnsAnswer>>()
    let isOver = false

    function resolverAt(servers: readonly string[] | undefined): dns.Resolver {
      const key = servers?.join() ?? ''
      const there = resolvers.get(key)
      if (there) return there
      const made = new dns.Resolver({ timeout: QUESTION_MS, tries: 1 })
      if (servers) made.setServers([...servers])
      resolvers.set(key, made)
      return made
    }

    /** Each question is asked once. */
    function once(
      servers: readonly string[] | undefined,
      name: string,
      type: RecordType,
    ): Promise<DnsAnswer> {
      const key = `${servers?.join() ?? ''} ${type} ${name}`
      const asked =
        known.get(key) ??
        (isOver
          ? Promise.resolve<DnsAnswer>({ kind: 'unanswered' })
          : question(resolverAt(servers), name, type))
      known.set(key, asked)
      return asked
    }

    const ask: Asker['ask'] = (name, type) => once(options.resolvers, name, type)

    async function addressOf(host: string): Promise<NameServer | null> {
      for (const type of ['A', 'AAAA'] as const) {
        const answer = await ask(host, type)
        const address = answer.kind === 'found' ? answer.values.find(mayAsk) : undefined
        if (address !== undefined) return { host, address }
      }
      return null
    }

    return {
      asker: {
        ask,
        async askAt(server, name, type) {
          if (!mayAsk(server.address)) return { kind: 'unanswered' }
          return once([writeServer(server, port)], name, type)
        },
        async serversOf(name) {
          const labels = name.split('.').slice(-LABELS_MAX)
          for (let from = 0; from < labels.length - 1; from++) {
            const answer = await ask(labels.slice(from).join('.'), 'NS')
            if (answer.kind === 'unanswered') return []
            if (answer.kind !== 'found') continue
            const hosts = answer.values.sort().slice(0, SERVERS_MAX)
            const servers = await Promise.all(hosts.map(addressOf))
            return servers.filter((server) => server !== null)
          }
          return []
        },
      },
      end() {
        isOver = true
        for (const resolver of resolvers.values()) resolver.cancel()
      },
    }
  }

  return {
    async within(work, ms = TOTAL_MS) {
      const { asker, end } = open()
      const timer = setTimeout(end, ms)
      try {
        return await work(asker)
      } finally {
        clearTimeout(timer)
        end()
      }
    },
  }
}
