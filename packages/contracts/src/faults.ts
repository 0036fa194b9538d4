import { type Fault, Problem, type ProblemCode } from './problems.ts'

/** Keys and indexes from the root of what is checked to the value at fault. */
export type Path = readonly (string | number)[]

/** More would only cost: nobody repairs a hundred by hand. */
const faultsMax = 100
const keyLengthMax = 200

/** Collects all faults of one request, so that one answer names them all. */
export class FaultList {
  readonly faults: Fault[] = []
  readonly #base: string
  readonly #fields = new Set<string | number | undefined>()

  /** `base` is the pointer of the value that paths start from: `#`, or `#/messages/3`. */
  constructor(base = '#') {
    this.#base = base
  }

  add(path: Path, detail: string, code: ProblemCode = 'validation-failed'): void {
    this.#fields.add(path[0])
    if (this.faults.length < faultsMax)
      this.faults.push({ pointer: this.#base + toPointer(path), detail, code })
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
    return this.faults.length > 0
  }

  /** The one problem that says it all: its code is the faults' own where they agree. */
  toProblem(): Problem {
    const first = this.faults[0]
    if (first === undefined) return new Problem('validation-failed')
    const agreed = this.faults.every((fault) => fault.code === first.code)
    const code = (agreed ? first.code : undefined) ?? 'validation-failed'
    const more = this.faults.length - 1
    return new Problem(code, {
      detail: `${first.pointer}: ${first.detail}${more > 0 ? ` (and ${more} more)` : ''}`,
      errors: this.faults.map(({ code: own, ...fault }) => (own === code ? fault : { ...fault, code: own })),
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
  const short = (key.length > keyLengthMax ? `${key.slice(0, keyLengthMax)}…` : key).toWellFormed()
  return encodeURIComponent(short.replaceAll('~', '~0').replaceAll('/', '~1'))
}
