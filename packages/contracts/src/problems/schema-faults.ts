import type { z } from 'zod'
import { FaultList, type Path } from './faults.ts'
import type { ProblemCode } from './problems.ts'

type Issue = z.core.$ZodIssue

/** No list and no object in a body of the API is longer than this. */
const collectionMax = 1_000

/** Checks a value against a schema; throws a `Problem` validation-failed that names every fault. */
export function parseBody<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const faults = new FaultList()
  addSizeFaults(value, () => collectionMax, faults)
  if (faults.found) throw faults.toProblem()
  const result = schema.safeParse(value)
  if (result.success) return result.data
  addSchemaFaults(result.error.issues, faults)
  throw faults.toProblem()
}

/**
 * Refuses lists and objects that are too long before anything walks through them: a schema looks at every
 * item, and writes an issue for each, which a hostile body of some megabytes turns into seconds.
 */
export function addSizeFaults(
  value: unknown,
  maxOf: (path: Path) => number,
  faults: FaultList,
  depthMax = 3,
  path: Path = [],
): void {
  if (typeof value !== 'object' || value === null) return
  const max = maxOf(path)
  const size = Array.isArray(value) ? value.length : Object.keys(value).length
  if (size > max) {
    faults.add(path, `has ${size} items; at most ${max} are allowed`)
    return
  }
  const isArray = Array.isArray(value)
  for (const key of Object.keys(value)) {
    // One such fault is enough: looking for more is what costs.
    if (faults.found) return
    // Zod leaves this key out without a word, and what is not stored must be refused.
    if (key === '__proto__') faults.add([...path, key], 'is not an allowed key')
    const item: unknown = Reflect.get(value, key)
    // Most values are strings: no path is made for them.
    if (path.length >= depthMax || typeof item !== 'object' || item === null) continue
    addSizeFaults(item, maxOf, faults, depthMax, [...path, isArray ? Number(key) : key])
  }
}

/** Turns Zod's issues into faults with pointers; of a union, the branch that the value was meant for. */
export function addSchemaFaults(
  issues: readonly Issue[],
  faults: FaultList,
  codeOf: (path: Path) => ProblemCode = () => 'validation-failed',
  base: Path = [],
): void {
  for (const issue of issues) {
    const path = [...base, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))]
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) faults.add([...path, key], 'is not a known field')
      continue
    }
    // Of the branches, the one whose type the value has; its faults are the useful ones.
    const meant =
      issue.code === 'invalid_union' ? issue.errors.find((branch) => !branch.some(isOfOtherType)) : undefined
    if (meant !== undefined) addSchemaFaults(meant, faults, codeOf, path)
    else faults.add(path, detailOf(issue), codeOf(path))
  }
}

function isOfOtherType(issue: Issue): boolean {
  if (issue.path.length > 0) return false
  if (issue.code === 'invalid_union') return issue.errors.every((branch) => branch.some(isOfOtherType))
  return issue.code === 'invalid_type'
}

function detailOf(issue: Issue): string {
  if (isMissing(issue)) return 'is required'
  if (issue.code === 'invalid_union') return 'has none of the types that are allowed here'
  if (issue.code === 'invalid_key') return 'has a key that is not allowed'
  if (issue.code === 'invalid_type' && issue.expected === 'never') return 'is not supported yet'
  return issue.message
    .replace(/^Invalid (?:input|option): /, '')
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
}

function isMissing(issue: Issue): boolean {
  if (issue.code === 'invalid_union') return issue.errors.every((branch) => branch.some(isMissing))
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
}
