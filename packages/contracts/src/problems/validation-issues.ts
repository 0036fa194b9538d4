import { Problem, type ProblemCode, type ValidationIssue } from './problems.ts'

/** Keys and indexes from the root of the checked value to the invalid one. */
export type Path = readonly (string | number)[]

/** Faults named of one message: more would have a cost without a use, because no person repairs a hundred by hand. */
const issuesMax = 20
const keyLengthMax = 100
/** A name beyond ASCII takes up to nine times its length in a pointer: it is cut further. */
const encodedLengthMax = 300
const detailLengthMax = 300

/** Collects all faults of one request, so that one answer names them all. */
export class ValidationIssues {
  readonly issues: ValidationIssue[] = []
  readonly #base: string
  readonly #fields = new Set<string | number | undefined>()
  #count = 0

  /** `base` is the pointer of the value that paths start from: `#`, or `#/messages/3`. */
  constructor(base = '#') {
    this.#base = base
  }

  add(path: Path, detail: string, code: ProblemCode = 'validation-failed'): void {
    this.#count++
    if (this.issues.length >= issuesMax) {
      // Nothing more is kept of a name that a client made up.
      if (path[0] !== undefined && this.#fields.size < issuesMax * 2) this.#fields.add(path[0])
      return
    }
    this.#fields.add(path[0])
    this.issues.push({
      pointer: this.#base + toPointer(path),
      detail: detail.length > detailLengthMax ? `${detail.slice(0, detailLengthMax - 1)}…` : detail,
      code,
    })
  }

  /** Adds a fault when a rule has found one. */
  addIf(path: Path, detail: string | undefined): void {
    if (detail !== undefined) this.add(path, detail)
  }

  /** True when a fault lies in this field of the root. */
  touches(field: string): boolean {
    return this.#fields.has(field)
  }

  get found(): boolean {
    return this.issues.length > 0
  }

  /** The one problem that says it all: its code is the faults' own where they agree. */
  toProblem(): Problem {
    const first = this.issues[0]
    if (first === undefined) return new Problem('validation-failed')
    const agreed = this.issues.every((issue) => issue.code === first.code)
    const code = (agreed ? first.code : undefined) ?? 'validation-failed'
    const more = this.#count - 1
    return new Problem(code, {
      detail: `${first.pointer}: ${first.detail}${more > 0 ? ` (and ${more} more)` : ''}`,
      errors: this.issues.map(({ code: own, ...issue }) => (own === code ? issue : { ...issue, code: own })),
    })
  }
}

/** RFC 6901 §6: a JSON pointer as URI fragment, without the leading `#`. */
export function toPointer(path: Path): string {
  return path.map((key) => `/${encodeKey(key)}`).join('')
}

function encodeKey(key: string | number): string {
  if (typeof key === 'number') return String(key)
  // A hostile key may be megabytes long, or no valid Unicode.
  const encoded = encodeCut(key, keyLengthMax)
  return encoded.length > encodedLengthMax ? encodeCut(key, encodedLengthMax / 10) : encoded
}

function encodeCut(key: string, lengthMax: number): string {
  const short = (key.length > lengthMax ? `${key.slice(0, lengthMax)}…` : key).toWellFormed()
  return encodeURIComponent(short.replaceAll('~', '~0').replaceAll('/', '~1'))
}
