import { randomBytes } from 'node:crypto'
import type { Asker, DnsAnswer, RecordType } from '@lettergate/egress/dns'
import { namesAbove } from './domain-name.ts'
import { countSpfLookups, spfRecords } from './spf.ts'
import type { Wanted } from './wanted-records.ts'

/** What the DNS says of one name: the resolver of this machine, and each name server of the zone. */
export type Sighting = {
  resolver: DnsAnswer
  servers: { host: string; answer: DnsAnswer }[]
}

/** All answers about a domain that its records are judged by. */
export type Sightings = {
  domain: string
  /** By name of the record. */
  records: ReadonlyMap<string, Sighting>
  /** Of names at which nothing was found: what stands at the name with the domain once more behind it. */
  doubled: ReadonlyMap<string, readonly string[]>
  /** Texts at the domain itself. */
  apex: readonly string[]
  /** Whether the DNS knows the domain at all. */
  exists: boolean
  /** What a name answers that nobody has made: a wildcard record. */
  wildcard: readonly string[]
  /** Whether the name for bounces has an address instead of a CNAME. */
  isProxied: boolean
  /** Of the SPF record; null: not known. */
  spfLookups: number | null
  /** DMARC records of the nearest domain above that has any. */
  inheritedDmarc: readonly string[]
}

export const valuesOf = (answer: DnsAnswer): readonly string[] =>
  answer.kind === 'found' ? answer.values : []

/** Answers of the name servers if any answered, else that of the resolver. */
export function answersOf({ resolver, servers }: Sighting): DnsAnswer[] {
  const answered = servers.map(({ answer }) => answer).filter(({ kind }) => kind !== 'unanswered')
  return answered.length > 0 ? answered : [resolver].filter(({ kind }) => kind !== 'unanswered')
}

async function sight(asker: Asker, name: string, type: RecordType): Promise<Sighting> {
  const [resolver, servers] = await Promise.all([asker.ask(name, type), asker.serversOf(name)])
  const answers = await Promise.all(
    servers.map(async (server) => {
      const { host } = server
      const answer = await asker.askAt(server, name, type)
      if (type !== 'TXT' || answer.kind !== 'no-record') return { host, answer }
      // A name server that only knows an alias to another zone does not follow it.
      const alias = await asker.askAt(server, name, 'CNAME')
      return { host, answer: alias.kind === 'found' ? resolver : answer }
    }),
  )
  return { resolver, servers: answers }
}

async function findInherited(asker: Asker, domain: string): Promise<readonly string[]> {
  for (const above of namesAbove(domain).slice(1, -1)) {
    const texts = valuesOf(await asker.ask(`_dmarc.${above}`, 'TXT'))
    const found = texts.filter((text) => /^v=DMARC1/i.test(text))
    if (found.length > 0) return found
  }
  return []
}

/** Asks all that is needed to judge these records; for names at which nothing was found also what people get wrong. */
export async function lookUp(asker: Asker, domain: string, wanted: readonly Wanted[]): Promise<Sightings> {
  const [own, apex, wildcard, inheritedDmarc] = await Promise.all([
    Promise.all(wanted.map(async ({ name, type }) => [name, await sight(asker, name, type)] as const)),
    sight(asker, domain, 'TXT'),
    asker.ask(`lg${randomBytes(6).toString('hex')}.${domain}`, 'TXT'),
    findInherited(asker, domain),
  ])
  const records = new Map(own)
  const missing = wanted.filter(({ name }) => {
    const sighting = records.get(name)
    return name !== domain && sighting && answersOf(sighting).every(({ kind }) => kind !== 'found')
  })
  const doubled = await Promise.all(
    missing.map(
      async ({ name, type }) => [name, valuesOf(await asker.ask(`${name}.${domain}`, type))] as const,
    ),
  )
  const bounces = missing.find(({ kind }) => kind === 'return_path')
  const address = bounces && (await asker.ask(bounces.name, 'A'))
  const texts = answersOf(apex).flatMap(valuesOf)
  const [spf] = spfRecords(texts)
  return {
    domain,
    records,
    doubled: new Map(doubled),
    apex: [...new Set(texts)],
    exists: answersOf(apex).some(({ kind }) => kind !== 'no-name'),
    wildcard: valuesOf(wildcard),
    isProxied: address?.kind === 'found',
    spfLookups: spf === undefined ? null : await countSpfLookups(asker, spf),
    inheritedDmarc,
  }
}
