/** Only an escape can bring these into a string: JSON refuses raw control characters, UTF-8 refuses surrogates. */
const SUSPECT = /\\u(?:0000|d[89a-f])/i
const FAULTS_MAX = 20

export type StringFault = { pointer: string; detail: string }

function faultOf(text: string): string | null {
  if (text.includes('\0')) return 'must not contain the character U+0000'
  return text.isWellFormed() ? null : 'must not contain half of a surrogate pair'
}

/** One step of a JSON pointer (RFC 6901); what is not text that an answer can carry is replaced. */
function step(key: string): string {
  return key
    .slice(0, 100)
    .toWellFormed()
    .replaceAll('\0', '\ufffd')
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
}

/** Every string and key that Postgres could not store as text, as JSON pointers; cheap when the body has no escapes. */
export function findBadStrings(text: string, parsed: unknown): StringFault[] {
  const faults: StringFault[] = []
  if (!text.includes('\\u') || !SUSPECT.test(text)) return faults
  function visit(value: unknown, pointer: string): void {
    if (faults.length >= FAULTS_MAX) return
    if (typeof value === 'string') {
      const detail = faultOf(value)
      if (detail) faults.push({ pointer, detail })
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) {
        const detail = faultOf(key)
        if (detail) faults.push({ pointer: `${pointer}/${step(key)}`, detail: `the name ${detail}` })
        visit(child, `${pointer}/${step(key)}`)
      }
    }
  }
  visit(parsed, '#')
  return faults
}
