import type { ProblemCode } from '../problems/problems.ts'
import { limits } from './field-limits.ts'

type LocalPartIssue = { detail: string; code?: ProblemCode }

const dot = 46
const quote = 34
const backslash = 92
const isAtext = atextCodes()

/**
 * Reads the part before the @, and writes it in the one form that is stored, compared and sent: without quotes where none are
 * needed, else as a quoted string with the fewest escapes. `"ann"@…` is `ann@…`, and `a..b@…`, which Japanese carriers once gave out,
 * is `"a..b"@…`: the same mailbox in the only form that RFC 5321 has for it.
 */
export function readLocalPart(text: string): string | LocalPartIssue {
  if (text === '') return { detail: 'has nothing before the @' }
  if (text.length > limits.localPartLengthMax) return tooLong()
  const content = text.charCodeAt(0) === quote ? unquote(text) : readAtoms(text)
  if (typeof content !== 'string') return content
  if (isDotAtom(content)) return content
  const quoted = `"${content.replace(/["\\]/g, '\\$&')}"`
  return quoted.length > limits.localPartLengthMax ? tooLong() : quoted
}

function tooLong(): LocalPartIssue {
  return { detail: `has more than ${limits.localPartLengthMax} characters before the @` }
}

/** Atoms with dots anywhere: what a person writes without quotes, a space and a bracket being none of it. */
function readAtoms(text: string): string | LocalPartIssue {
  let atoms = 0
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code > 127 && text.isWellFormed()) return beyondAscii()
    if (code === dot) continue
    if (isAtext[code] !== 1) return { detail: 'has a character that is not allowed before the @' }
    atoms += 1
  }
  return atoms === 0 ? { detail: 'has nothing but dots before the @' } : text
}

/**
 * The content of a quoted string (RFC 5321 §4.1.2). `<`, `>` and `@` are refused though they are legal: programs on the way that do not
 * know quotes would read another address there, and mail would go to another person.
 */
function unquote(text: string): string | LocalPartIssue {
  let content = ''
  for (let i = 1; i < text.length; i += 1) {
    let code = text.charCodeAt(i)
    if (code === quote) {
      if (i < text.length - 1) return { detail: 'has text between the closing quote and the @' }
      return content === '' ? { detail: 'has nothing between the quotes before the @' } : content
    }
    if (code === backslash) {
      i += 1
      if (i === text.length) break
      code = text.charCodeAt(i)
    }
    if (code > 127 && text.isWellFormed()) return beyondAscii()
    if (code < 32 || code > 126) return { detail: 'has a character that is not allowed before the @' }
    const character = text.charAt(i)
    if ('<>@'.includes(character)) {
      return { detail: 'has < > or @ in quotes before the @, which others would take for another address' }
    }
    content += character
  }
  return { detail: 'has no closing quote before the @' }
}

function beyondAscii(): LocalPartIssue {
  return { detail: 'has characters outside ASCII before the @', code: 'utf8-not-supported' }
}

/** Whether it needs no quotes (RFC 5322 §3.2.3 dot-atom). */
function isDotAtom(content: string): boolean {
  let previous = dot
  for (let i = 0; i < content.length; i += 1) {
    const code = content.charCodeAt(i)
    if (code === dot ? previous === dot : isAtext[code] !== 1) return false
    previous = code
  }
  return previous !== dot
}

/** RFC 5322 §3.2.3 atext. */
function atextCodes(): Uint8Array {
  const table = new Uint8Array(128)
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  for (const character of `${letters}${letters.toUpperCase()}0123456789!#$%&'*+-/=?^_\`{|}~`) {
    table[character.charCodeAt(0)] = 1
  }
  return table
}
