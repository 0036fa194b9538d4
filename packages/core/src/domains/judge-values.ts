import type { Sightings } from './look-up.ts'
import { SPF_LOOKUPS_MAX, spfRecords, spfTerms, withInclude } from './spf.ts'
import type { RecordKind, Wanted } from './wanted-records.ts'

type Judge = {
  /** The values that are about this record: a name may have others. */
  concerned(values: readonly string[]): string[]
  /** Why these values, at least one, are not right, in one sentence with what to do; null: they are. */
  faultOf(wanted: Wanted, values: readonly string[], sightings: Sightings): string | null
}

const cleaned = (text: string) =>
  text
    .replace(/["'\\]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
const isQuoted = (text: string) => /["\\]/.test(text)

const QUOTES = 'The value has quotes or backslashes in it. Enter it without them.'

const ownership: Judge = {
  concerned: (values) => [...values],
  faultOf({ value, name }, values) {
    if (values.some((text) => text.trim() === value)) return null
    if (values.some((text) => cleaned(text) === value)) return QUOTES
    if (values.some((text) => text.includes('lettergate-domain=')))
      return `The token at ${name} is another one. Each domain that is added has its own: enter the value shown here.`
    return `${name} holds another value. Add a TXT record with the value shown here.`
  },
}

/** The value of a tag of a DKIM or DMARC record, without white space. */
function tagOf(text: string, tag: string): string | undefined {
  for (const part of text.split(';')) {
    const [name = '', ...value] = part.split('=')
    if (value.length > 0 && name.trim() === tag) return value.join('=').replace(/\s+/g, '')
  }
  return undefined
}

/** A shorter beginning says nothing. */
const PREFIX_CHARS_MIN = 40

const dkim: Judge = {
  concerned: (values) => [...values],
  faultOf({ value, name, key }, values) {
    if (values.length > 1)
      return `There are ${values.length} TXT records at ${name}; receivers may use any of them. Keep only the one shown here.`
    const [text = ''] = values
    const [mine, theirs] = [tagOf(value, 'p') ?? '', tagOf(text, 'p')]
    const algorithm = tagOf(text, 'k') ?? 'rsa'
    if (theirs === mine && !isQuoted(text))
      return algorithm === key?.algorithm
        ? null
        : `The record says k=${algorithm}. It must say k=${key?.algorithm}.`
    if (isQuoted(text) && tagOf(cleaned(text), 'p') === mine) return QUOTES
    if (theirs === undefined)
      return `The value at ${name} is no DKIM key: it has no p=. Enter the value shown here.`
    if (theirs === '') return `The key at ${name} is revoked (p= is empty). Enter the value shown here.`
    if (theirs.length >= PREFIX_CHARS_MIN && mine.startsWith(theirs))
      return `Only the first ${text.length} of ${value.length} characters are there: your DNS panel cut the value. Enter it as two strings, as shown here.`
    return `Another key is at ${name}. Enter the value shown here.`
  },
}

const returnPath: Judge = {
  concerned: (values) => [...values],
  faultOf({ value, name }, values, { domain }) {
    if (values.includes(value)) return null
    if (values.includes(`${value}.${domain}`))
      return `The CNAME leads to ${value}.${domain}: your DNS panel adds the domain. Enter ${value}. with a dot at its end.`
    return `The CNAME at ${name} leads to ${values.join(', ')}. It must lead to ${value}.`
  },
}

/** Letters that differ, up to three. */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2) return 3
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same)
    }
    row = next
  }
  return row[other.length] ?? 0
}

const INCLUDE = /^[+]?include:(.+)$/i
const ALL = /^([+?~-]?)all$/i

function spfFault(record: string, include: string, lookups: number | null): string | null {
  const terms = spfTerms(record).map((term) => term.toLowerCase())
  const all = terms.findIndex((term) => ALL.test(term))
  const at = terms.findIndex((term) => INCLUDE.exec(term)?.[1] === include)
  if (all >= 0 && /^\+?all$/i.test(terms[all] ?? ''))
    return 'The record ends with +all, which lets everybody send as your domain. Change it to ~all or -all.'
  if (at < 0) {
    const near = terms.find((term) => {
      const name = INCLUDE.exec(term)?.[1]
      return name !== undefined && distance(name, include) <= 2
    })
    return near === undefined
      ? `The record does not include ${include}. Change it to: ${withInclude(record, include)}`
      : `The record has ${near}, which is misspelt. It must be include:${include}`
  }
  if (all >= 0 && all < at)
    return `include:${include} stands behind ${terms[all]}, where nothing counts. Put it before it.`
  if (lookups !== null && lookups > SPF_LOOKUPS_MAX)
    return `The record needs more than ${SPF_LOOKUPS_MAX} look-ups in the DNS, so that receivers ignore it. Remove an include that you do not need.`
  return null
}

const spf: Judge = {
  concerned: spfRecords,
  faultOf({ value }, values, { spfLookups }) {
    const [record = '', ...more] = values
    if (more.length > 0)
      return `There are ${values.length} SPF records, so that receivers ignore all of them. Join them into one.`
    return spfFault(record, /include:(\S+)/.exec(value)?.[1] ?? '', spfLookups)
  },
}

/** https://www.rfc-editor.org/rfc/rfc9989 has no such tags any more. */
const OLD_TAGS = ['pct', 'rf', 'ri']

const dmarc: Judge = {
  concerned: (values) => values.filter((text) => /v\s*=\s*DMARC1/i.test(text)),
  faultOf({ name }, values) {
    const [record = '', ...more] = values
    if (more.length > 0)
      return `There are ${values.length} DMARC records at ${name}, so that receivers ignore all of them. Keep one.`
    if (isQuoted(record)) return QUOTES
    if (!/^v\s*=\s*DMARC1\s*(;|$)/.test(record))
      return 'The record must begin with v=DMARC1; in this spelling.'
    const policy = tagOf(record, 'p')
    if (policy !== undefined && !['none', 'quarantine', 'reject'].includes(policy.toLowerCase()))
      return `p=${policy} is no policy. It must be none, quarantine or reject.`
    return null
  },
}

export const faultsByKind: Record<RecordKind, Judge> = {
  ownership,
  dkim,
  return_path: returnPath,
  spf,
  dmarc,
}

/** Whether the values at a name are what is wanted there. */
export function isRightFor(wanted: Wanted, values: readonly string[], sightings: Sightings): boolean {
  const { concerned, faultOf } = faultsByKind[wanted.kind]
  const ours = concerned(values)
  // A policy of a domain above holds for the names below it.
  if (ours.length === 0) return wanted.kind === 'dmarc' && sightings.inheritedDmarc.length > 0
  return faultOf(wanted, ours, sightings) === null
}

/** What to know of a record that is right. */
export function noteOn({ kind }: Wanted, found: readonly string[]): string | null {
  if (kind !== 'dmarc') return null
  const [record = ''] = found
  const old = OLD_TAGS.filter((tag) => tagOf(record, tag) !== undefined)
  return old.length === 0
    ? null
    : `Receivers ignore ${old.map((tag) => `${tag}=`).join(', ')} since RFC 9989. You can remove it.`
}
