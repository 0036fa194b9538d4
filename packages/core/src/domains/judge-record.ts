import type { RecordStatus } from './domain-rows.ts'
import { faultsByKind, isRightFor, noteOn } from './judge-values.ts'
import { answersOf, type Sighting, type Sightings, valuesOf } from './look-up.ts'
import type { Wanted } from './wanted-records.ts'

export type Judged = {
  status: RecordStatus
  /** Values at the name, or where they were found instead. */
  found: string[]
  /** One sentence: what is different, and what to do. Null: nothing. */
  difference: string | null
}

const UNANSWERED = 'The name servers did not answer. The check is repeated; nothing changes until then.'

const CACHED =
  'Your name servers have the record. Others may still see the earlier one for a while: there is nothing to do.'

function whatIsMissing(wanted: Wanted, sightings: Sightings): { found: string[]; difference: string } {
  const { domain, doubled, apex, exists, isProxied } = sightings
  const { name, type, kind } = wanted
  const short = name === domain ? domain : name.slice(0, -domain.length - 1)
  const twice = doubled.get(name) ?? []
  if (twice.length > 0)
    return {
      found: [...twice],
      difference: `The record is at ${name}.${domain}: your DNS panel adds the domain itself. Enter only ${short} as its name.`,
    }
  const misplaced = kind === 'spf' ? [] : apex.filter((text) => isRightFor(wanted, [text], sightings))
  if (misplaced.length > 0)
    return { found: misplaced, difference: `The record is at ${domain} itself. Move it to ${name}.` }
  if (kind === 'return_path' && isProxied)
    return {
      found: [],
      difference: `${name} has an address instead of a CNAME: your DNS provider forwards it. Switch the record to "DNS only".`,
    }
  if (!exists)
    return {
      found: [],
      difference: `The DNS does not know ${domain}. Look whether its name is written correctly and its registration has not ended.`,
    }
  return { found: [], difference: `There is no ${type} record at ${name}. Add it.` }
}

/** Names of the servers that lack a record, as a sentence. */
function onlySome(right: number, { servers }: Sighting, isRight: (values: readonly string[]) => boolean) {
  const answered = servers.filter(({ answer }) => answer.kind !== 'unanswered')
  const lacking = answered.filter(({ answer }) => !isRight(valuesOf(answer))).map(({ host }) => host)
  return `${right} of ${answered.length} name servers have the record; it is missing at ${lacking.join(', ')}. Wait until all have it, or ask your DNS provider.`
}

/** Of the first answer that is wrong. */
function faultIn(wanted: Wanted, answers: readonly (readonly string[])[], sightings: Sightings) {
  const { concerned, faultOf } = faultsByKind[wanted.kind]
  const wrong = answers.map((values) => concerned(values)).filter((values) => values.length > 0)
  return wrong.map((values) => faultOf(wanted, values, sightings)).find((fault) => fault !== null) ?? null
}

/** Compares what was found with what is wanted. Pure. */
export function judgeRecord(wanted: Wanted, sightings: Sightings): Judged {
  const sighting = sightings.records.get(wanted.name)
  const answers = sighting ? answersOf(sighting) : []
  if (!sighting || answers.length === 0)
    return { status: 'temporary_failure', found: [], difference: UNANSWERED }
  const isRight = (values: readonly string[]) => isRightFor(wanted, values, sightings)
  const right = answers.filter((answer) => isRight(valuesOf(answer))).length
  const found = [...new Set(answers.flatMap(valuesOf))]
  const ours = faultsByKind[wanted.kind].concerned(found)
  if (right === answers.length) {
    const isCached = sighting.resolver.kind !== 'unanswered' && !isRight(valuesOf(sighting.resolver))
    return { status: 'verified', found: ours, difference: isCached ? CACHED : noteOn(wanted, ours) }
  }
  if (right > 0) return { status: 'pending', found: ours, difference: onlySome(right, sighting, isRight) }
  if (ours.length === 0) return { status: 'pending', ...whatIsMissing(wanted, sightings) }
  const isWildcard = ours.every((value) => sightings.wildcard.includes(value)) && wanted.kind !== 'spf'
  const difference = isWildcard
    ? `A wildcard record (*.${sightings.domain}) answers for ${wanted.name}. Add the record itself beside it.`
    : faultIn(wanted, answers.map(valuesOf), sightings)
  return { status: 'failed', found: ours, difference }
}
