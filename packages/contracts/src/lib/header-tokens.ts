/**
 * A part of a structured header value (RFC 5322 §3.2): `text` is the content without its delimiters, `source` the part
 * unchanged.
 */
export type HeaderToken = {
  kind: 'space' | 'word' | 'quoted' | 'comment' | 'angle' | 'separator'
  text: string
  source: string
}

/** Far more than any list that people write; each may become an encoded word of many more characters. */
const tokensMax = 2_000

/** Reads a header value into its parts, or says which of them does not end. One pass, no recursion. */
export function readTokens(value: string): HeaderToken[] | string {
  const tokens: HeaderToken[] = []
  for (let at = 0; at < value.length; ) {
    if (tokens.length === tokensMax) return 'has too many words'
    const first = value.charAt(at)
    const end = endOf(value, at, first)
    if (end < 0) return `has a ${first} that is not closed`
    const source = value.slice(at, end)
    tokens.push({ kind: kindOf(first), text: contentOf(first, source), source })
    at = end
  }
  return tokens
}

const kinds: Readonly<Record<string, HeaderToken['kind']>> = {
  ' ': 'space',
  '"': 'quoted',
  '(': 'comment',
  '<': 'angle',
  ',': 'separator',
  ';': 'separator',
  ':': 'separator',
}

function kindOf(first: string): HeaderToken['kind'] {
  return kinds[first] ?? 'word'
}

/** Where the part that begins at `at` ends; -1 where it does not. */
function endOf(value: string, at: number, first: string): number {
  switch (kindOf(first)) {
    case 'quoted':
      return endOfQuoted(value, at)
    case 'comment':
      return endOfComment(value, at)
    case 'angle':
      return endOfAngle(value, at)
    case 'separator':
      return at + 1
    case 'space':
      return endOfRun(value, at, (character) => character === ' ')
    default:
      return endOfRun(value, at, (character) => kindOf(character) === 'word')
  }
}

function endOfRun(value: string, at: number, belongs: (character: string) => boolean): number {
  let end = at + 1
  while (end < value.length && belongs(value.charAt(end))) end += 1
  return end
}

function endOfQuoted(value: string, at: number): number {
  for (let end = at + 1; end < value.length; end += 1) {
    const character = value.charAt(end)
    if (character === '\\') end += 1
    else if (character === '"') return end + 1
  }
  return -1
}

function endOfComment(value: string, at: number): number {
  let depth = 0
  for (let end = at; end < value.length; end += 1) {
    const character = value.charAt(end)
    if (character === '\\') end += 1
    else if (character === '(') depth += 1
    else if (character === ')') depth -= 1
    if (depth === 0) return end + 1
  }
  return -1
}

/** A quoted local part may hold a bracket. */
function endOfAngle(value: string, at: number): number {
  for (let end = at + 1; end < value.length; end += 1) {
    const character = value.charAt(end)
    if (character === '>') return end + 1
    if (character === '"' && end === at + 1) {
      const quoted = endOfQuoted(value, end)
      if (quoted < 0) return -1
      end = quoted - 1
    }
  }
  return -1
}

function contentOf(first: string, source: string): string {
  const inner = source.slice(1, -1)
  if (first === '<') return inner.trim()
  if (first === '(') return inner
  if (first !== '"') return source
  return inner.replace(/\\(.)/g, '$1')
}
