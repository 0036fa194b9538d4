import { RE2JS } from 're2js'

export const MATCH_KINDS = ['address', 'tag', 'wildcard', 'regex', 'all'] as const
export type MatchKind = (typeof MATCH_KINDS)[number]
export type InboundMatch = { kind: MatchKind; value: string }

/** Whether the part of an address before the @ is one that a route is for. */
export type AddressMatcher = (local: string) => boolean

const LOCAL_CHARS_MAX = 320

/** Only `*` means something, and any text; takes a time of pattern times text. */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0
  let star = -1
  let resume = 0
  let place = 0
  while (place < text.length) {
    if (pattern[at] === '*') {
      star = at++
      resume = place
    } else if (at < pattern.length && pattern[at] === text[place]) {
      at++
      place++
    } else if (star >= 0) {
      at = star + 1
      place = ++resume
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}

/** Why a pattern is none that can be matched in linear time; null: it is one. */
export function patternIssue(pattern: string): string | null {
  try {
    RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)
    return null
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : 'cannot be read'
  }
}

/** Tags are what stands behind the first `+` of a local part. Case does not matter. */
export function createMatcher({ kind, value }: InboundMatch): AddressMatcher {
  const wanted = value.toLowerCase()
  switch (kind) {
    case 'all':
      return () => true
    case 'address':
      return (local) => local.toLowerCase() === wanted
    case 'tag':
      return (local) => local.toLowerCase().split('+').slice(1).join('+') === wanted
    case 'wildcard':
      return (local) => matchesWildcard(wanted, local.toLowerCase().slice(0, LOCAL_CHARS_MAX))
    case 'regex': {
      const pattern = RE2JS.compile(value, RE2JS.CASE_INSENSITIVE)
      return (local) => pattern.matches(local.slice(0, LOCAL_CHARS_MAX))
    }
  }
}
