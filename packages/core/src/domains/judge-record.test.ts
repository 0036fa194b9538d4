import type { Asker, DnsAnswer, NameServer, RecordType } from '@lettergate/egress/dns'
import { slowMs } from '@lettergate/providers/test/cpu'
import { describe, expect, test } from 'vitest'
import type { DomainKeyRow } from './domain-rows.ts'
import { judgeRecord } from './judge-record.ts'
import { lookUp } from './look-up.ts'
import { type RecordKind, wantedRecords } from './wanted-records.ts'

const D = 'acme.example'
const P = 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A'.repeat(12)
const key: DomainKeyRow = {
  id: '018f0000-0000-7000-8000-000000000001',
  domain_id: '018f0000-0000-7000-8000-000000000002',
  algorithm: 'rsa',
  selector: 'lgabc123r',
  public_key: P,
  state: 'new',
  created_at: new Date(),
  seen_at: null,
  activated_at: null,
  retired_at: null,
}
const TOKEN = 'lettergate-domain=tok1'
const wanted = wantedRecords(
  { name: D, token: 'tok1' },
  [key],
  { spfInclude: 'spf.gate.example', returnPathDomain: 'rp.gate.example', mayShare: false },
  Date.now(),
)
const DKIM = `v=DKIM1; k=rsa; p=${P}`
const SEL = `lgabc123r._domainkey.${D}`

type Records = Record<string, Partial<Record<RecordType, string[]>>>
type Zone = { all?: Records; servers?: Record<string, Records>; resolver?: Records; silent?: boolean }

function answerOf(records: Records, name: string, type: RecordType): DnsAnswer {
  const wildcard = Object.hasOwn(records, name) ? undefined : records[`*.${D}`]
  const found = (wildcard && name.endsWith(`.${D}`) ? wildcard : records[name])?.[type]
  if (found) return { kind: 'found', values: found }
  const exists = Object.keys(records).some((one) => one === name || one.endsWith(`.${name}`))
  return exists ? { kind: 'no-record' } : { kind: 'no-name' }
}

/** Two name servers that say the same, unless the zone has its own for one of them. */
function askerOf({ all = {}, servers = {}, resolver = all, silent = false }: Zone): Asker {
  const known: NameServer[] = ['ns1', 'ns2'].map((host) => ({ host, address: '192.0.2.1' }))
  const unanswered: DnsAnswer = { kind: 'unanswered' }
  return {
    ask: async (name, type) => (silent ? unanswered : answerOf(resolver, name, type)),
    askAt: async ({ host }, name, type) => (silent ? unanswered : answerOf(servers[host] ?? all, name, type)),
    serversOf: async () => (silent ? [] : known),
  }
}

async function judge(kind: RecordKind, zone: Zone) {
  const record = wanted.find((one) => one.kind === kind)
  if (!record) throw new Error(kind)
  return judgeRecord(record, await lookUp(askerOf(zone), D, wanted))
}

const apex = (...texts: string[]): Records => ({ [D]: { TXT: texts } })
const at = (name: string, ...texts: string[]): Records => ({ [D]: {}, [name]: { TXT: texts } })
const own = `_lettergate.${D}`
const spfDeep: Records = {
  [D]: { TXT: ['v=spf1 include:spf.gate.example include:big.example -all'] },
  'big.example': { TXT: [`v=spf1 ${Array.from({ length: 9 }, (_, n) => `a:h${n}.example`).join(' ')} -all`] },
}

describe('a record that is right', () => {
  test.each<[string, RecordKind, Records]>([
    ['ownership', 'ownership', at(own, TOKEN)],
    ['ownership beside other texts', 'ownership', at(own, 'note', TOKEN)],
    ['DKIM', 'dkim', at(SEL, DKIM)],
    ['DKIM with spaces in the key, as panels fold it', 'dkim', at(SEL, DKIM.replace('OCAQ8A', 'OCAQ8A '))],
    ['DKIM without v= and k=', 'dkim', at(SEL, `p=${P}`)],
    ['return path', 'return_path', { [D]: {}, [`bounce.${D}`]: { CNAME: ['rp.gate.example'] } }],
    ['SPF', 'spf', apex('x=1', 'v=spf1 mx include:SPF.gate.example ~all')],
    ['DMARC', 'dmarc', at(`_dmarc.${D}`, 'v=DMARC1; p=reject')],
  ])('%s', async (_name, kind, records) => {
    expect(await judge(kind, { all: records })).toMatchObject({ status: 'verified', difference: null })
  })

  test('DMARC of a domain above holds below it', async () => {
    const texts: Records = { 'shop.acme.example': {}, '_dmarc.acme.example': { TXT: ['v=DMARC1; p=none'] } }
    const below = wantedRecords(
      { name: 'shop.acme.example', token: 't' },
      [],
      { spfInclude: null, returnPathDomain: null, mayShare: false },
      0,
    )
    const sightings = await lookUp(askerOf({ all: texts }), 'shop.acme.example', below)
    expect(below.map((one) => judgeRecord(one, sightings).status)).toEqual(['pending', 'verified'])
  })
})

describe('each fault is named in one sentence', () => {
  test.each<[string, RecordKind, string, string, Zone]>([
    [
      'nothing there',
      'ownership',
      'pending',
      'There is no TXT record at _lettergate.acme.example',
      { all: apex() },
    ],
    [
      'the domain doubled',
      'ownership',
      'pending',
      'your DNS panel adds the domain itself. Enter only _lettergate',
      { all: at(`${own}.${D}`, TOKEN) },
    ],
    ['on the domain itself', 'ownership', 'pending', 'is at acme.example itself', { all: apex(TOKEN) }],
    ['quotes', 'ownership', 'failed', 'quotes', { all: at(own, `"${TOKEN}"`) }],
    ['the token of another row', 'ownership', 'failed', 'token', { all: at(own, 'lettergate-domain=other') }],
    ['another value', 'ownership', 'failed', 'another value', { all: at(own, 'google-site=1') }],
    ['no such domain', 'ownership', 'pending', 'The DNS does not know', { all: {} }],
    [
      'a wildcard',
      'ownership',
      'failed',
      'A wildcard record',
      { all: { [D]: {}, [`*.${D}`]: { TXT: ['hi'] } } },
    ],
    ['no answer', 'ownership', 'temporary_failure', 'did not answer', { silent: true }],
    [
      'at one name server only',
      'ownership',
      'pending',
      '1 of 2 name servers have the record; it is missing at ns2',
      { all: at(own, TOKEN), servers: { ns2: apex() } },
    ],
    [
      'an old value in a cache',
      'ownership',
      'verified',
      'there is nothing to do',
      { all: at(own, TOKEN), resolver: at(own, 'old') },
    ],
    [
      'DKIM: another key',
      'dkim',
      'failed',
      'Another key',
      { all: at(SEL, `v=DKIM1; k=rsa; p=${P.replaceAll('M', 'N')}`) },
    ],
    ['DKIM: cut', 'dkim', 'failed', 'Only the first 255 of', { all: at(SEL, DKIM.slice(0, 255)) }],
    [
      'DKIM: a backslash',
      'dkim',
      'failed',
      'quotes or backslashes',
      { all: at(SEL, DKIM.replaceAll(';', '\\;')) },
    ],
    ['DKIM: two records', 'dkim', 'failed', 'There are 2 TXT records', { all: at(SEL, DKIM, DKIM) }],
    ['DKIM: revoked', 'dkim', 'failed', 'revoked', { all: at(SEL, 'v=DKIM1; p=') }],
    ['DKIM: no key', 'dkim', 'failed', 'no DKIM key', { all: at(SEL, 'hello') }],
    [
      'DKIM: another algorithm',
      'dkim',
      'failed',
      'It must say k=rsa',
      { all: at(SEL, `v=DKIM1; k=ed25519; p=${P}`) },
    ],
    [
      'DKIM: the domain doubled',
      'dkim',
      'pending',
      'Enter only lgabc123r._domainkey',
      { all: at(`${SEL}.${D}`, DKIM) },
    ],
    [
      'CNAME: forwarded',
      'return_path',
      'pending',
      'DNS only',
      { all: { [D]: {}, [`bounce.${D}`]: { A: ['192.0.2.9'] } } },
    ],
    [
      'CNAME: the domain added',
      'return_path',
      'failed',
      'with a dot at its end',
      { all: { [D]: {}, [`bounce.${D}`]: { CNAME: [`rp.gate.example.${D}`] } } },
    ],
    [
      'CNAME: elsewhere',
      'return_path',
      'failed',
      'must lead to rp.gate.example',
      { all: { [D]: {}, [`bounce.${D}`]: { CNAME: ['x.example'] } } },
    ],
    ['SPF: none', 'spf', 'pending', 'There is no TXT record', { all: apex('x') }],
    [
      'SPF: two',
      'spf',
      'failed',
      '2 SPF records',
      { all: apex('v=spf1 include:spf.gate.example ~all', 'v=spf1 mx -all') },
    ],
    [
      'SPF: not ours',
      'spf',
      'failed',
      'v=spf1 mx include:spf.gate.example -all',
      { all: apex('v=spf1 mx -all') },
    ],
    ['SPF: misspelt', 'spf', 'failed', 'misspelt', { all: apex('v=spf1 include:spf.gaet.example -all') }],
    [
      'SPF: behind all',
      'spf',
      'failed',
      'nothing counts',
      { all: apex('v=spf1 -all include:spf.gate.example') },
    ],
    [
      'SPF: +all',
      'spf',
      'failed',
      'lets everybody send',
      { all: apex('v=spf1 include:spf.gate.example +all') },
    ],
    ['SPF: too many look-ups', 'spf', 'failed', 'more than 10 look-ups', { all: spfDeep }],
    [
      'DMARC: two',
      'dmarc',
      'failed',
      '2 DMARC records',
      { all: at(`_dmarc.${D}`, 'v=DMARC1; p=none', 'v=DMARC1; p=reject') },
    ],
    [
      'DMARC: on the domain itself',
      'dmarc',
      'pending',
      'is at acme.example itself',
      { all: apex('v=DMARC1; p=none') },
    ],
    [
      'DMARC: no policy',
      'dmarc',
      'failed',
      'p=all is no policy',
      { all: at(`_dmarc.${D}`, 'v=DMARC1; p=all') },
    ],
    [
      'DMARC: a tag of before',
      'dmarc',
      'verified',
      'pct=',
      { all: at(`_dmarc.${D}`, 'v=DMARC1; p=none; pct=50') },
    ],
  ])('%s', async (_name, kind, status, part, zone) => {
    const judged = await judge(kind, zone)
    expect(judged).toMatchObject({ status, difference: expect.stringContaining(part) })
  })

  test('a record behind an alias to another zone is found', async () => {
    const alias: Records = { [D]: {}, [`_dmarc.${D}`]: { CNAME: ['d.other.example'] } }
    const resolver = at(`_dmarc.${D}`, 'v=DMARC1; p=none')
    expect(await judge('dmarc', { all: alias, resolver })).toMatchObject({ status: 'verified' })
  })
})

test('the longest answers that a hostile name server can give are judged quickly', async () => {
  const long = Array.from({ length: 50 }, () => `v=DMARC1;${' ;'.repeat(2_000)}`)
  const zone = {
    all: { [D]: { TXT: long }, [own]: { TXT: long }, [SEL]: { TXT: long }, [`_dmarc.${D}`]: { TXT: long } },
  }
  const sightings = await lookUp(askerOf(zone), D, wanted)
  expect(
    await slowMs(() => {
      for (const record of wanted) judgeRecord(record, sightings)
    }),
  ).toBeNull()
})
