import type { ValidationIssue } from '@lettergate/contracts/problems/problems'

const ISSUES_MAX = 20
/** Values looked at before the caller gets its turn. */
const VALUES_AT_ONCE = 20_000

function issueOf(text: string): string | null {
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

/** Finds strings and keys that Postgres could not store as text, as JSON pointers; yields now and then. */
export function* findBadStrings(parsed: unknown): Generator<undefined, ValidationIssue[]> {
  const issues: ValidationIssue[] = []
  // Pointers are built only for issues: most values have none.
  const path: string[] = []
  let values = 0
  function add(detail: string): void {
    issues.push({ pointer: ['#', ...path.map(step)].join('/'), detail })
  }
  function* visit(value: unknown): Generator<undefined, void> {
    if (++values % VALUES_AT_ONCE === 0) yield
    if (typeof value === 'string') {
      const detail = issueOf(value)
      if (detail) add(detail)
    } else if (typeof value === 'object' && value !== null) {
      for (const key of Object.keys(value)) {
        if (issues.length >= ISSUES_MAX) return
        path.push(key)
        const detail = issueOf(key)
        if (detail) add(`the name ${detail}`)
        yield* visit(Reflect.get(value, key))
        path.pop()
      }
    }
  }
  yield* visit(parsed)
  return issues
}
