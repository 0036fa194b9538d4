const reasonCharsMax = 500
/** Of a text in which addresses are looked for: fifty of them at their longest. */
const namingCharsMax = 16_384
/** A text is cut to this before its spaces are folded. */
const lineCharsMax = 4 * reasonCharsMax
/** Members, items and levels of an answer: more of them cost the thread too long, and none of ours has nearly as many. */
const itemsMax = 10_000
const depthMax = 64

/** The JSON object in an answer; empty when it holds none, or more than any answer of a provider does. */
export function parseAnswer(body: Buffer): Record<string, unknown> {
  const value = parseJson(body)
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** The JSON value in an answer; undefined when it is none, or more than any answer of a provider does. */
export function parseJson(body: Buffer): unknown {
  if (!isModest(body)) return undefined
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

const [quote, backslash, comma, brace, bracket, braceEnd, bracketEnd] = Buffer.from('"\\,{[}]')

/** Counts the characters outside of strings: a long text is cheap to parse, a hundred thousand small values are not. */
function isModest(body: Buffer): boolean {
  let items = 0
  let depth = 0
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (byte === quote) {
      at = endOfString(body, at)
    } else if (byte === comma) {
      items++
    } else if (byte === brace || byte === bracket) {
      items++
      depth++
    } else if (byte === braceEnd || byte === bracketEnd) {
      depth--
    }
    if (items > itemsMax || depth > depthMax) return false
  }
  return true
}

function endOfString(body: Buffer, start: number): number {
  for (let at = start + 1; at < body.length; at++) {
    if (body[at] === backslash) at++
    else if (body[at] === quote) return at
  }
  return body.length
}

/** The first items of a list in an answer; empty when it is none. */
export function listIn(value: unknown, itemsMax = 100): unknown[] {
  return Array.isArray(value) ? value.slice(0, itemsMax) : []
}

/** The start of a text. Half of a character is left out: Postgres and many parsers refuse JSON that has one. */
export function cutText(text: string, charsMax: number): string {
  return text
    .slice(0, charsMax)
    .replace(/[\ud800-\udbff]$/, '')
    .toWellFormed()
}

/** A provider's words on one line and no longer than a reason may be; empty when it is no text. */
export function toLine(value: unknown): string {
  if (typeof value !== 'string') return ''
  return cutText(value.slice(0, lineCharsMax).replace(/[\p{Cc}\s]+/gu, ' '), reasonCharsMax)
}

/** Joins the texts of a refusal into one reason. */
export function toReason(...parts: (string | number)[]): string {
  return cutText(parts.filter(Boolean).join(' '), reasonCharsMax)
}

const addressCharsMax = 320

/** Finds those of the addresses that a text names, in any case: providers often write them in lower case. */
export function namedIn(text: unknown, addresses: readonly string[]): string[] {
  if (typeof text !== 'string') return []
  const words = text
    .slice(0, namingCharsMax)
    .toLowerCase()
    .split(/[\s,;:"<>()[\]`]/)
    .filter((word) => word.includes('@') && word.length <= addressCharsMax)
  const named = new Set(words.flatMap((word) => [word, word.replace(/^'+|(?<!['.])['.]+$/g, '')]))
  return addresses.filter((address) => named.has(address.toLowerCase()))
}
