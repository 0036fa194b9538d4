import type { z } from 'zod'
import type { ProblemCode } from './problems.ts'
import { type Path, ValidationIssues } from './validation-issues.ts'

type ZodIssue = z.core.$ZodIssue

/** No list and no object in a body of the API is longer than this. */
const collectionMax = 1_000

/** Checks a value against a schema; throws a `Problem` validation-failed that names every fault. */
export function parseBody<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const issues = new ValidationIssues()
  addSizeIssues(value, () => collectionMax, issues)
  if (issues.found) throw issues.toProblem()
  const result = schema.safeParse(value)
  if (result.success) return result.data
  addSchemaIssues(result.error.issues, issues)
  throw issues.toProblem()
}

/**
 * Refuses lists and objects that are too long before anything walks through them: a schema looks at every
 * item, and writes an issue for each, which a hostile body of some megabytes turns into seconds.
 */
export function addSizeIssues(
  value: unknown,
  maxOf: (path: Path) => number,
  issues: ValidationIssues,
  depthMax = 3,
  path: Path = [],
): void {
  if (typeof value !== 'object' || value === null) return
  const max = maxOf(path)
  const size = Array.isArray(value) ? value.length : Object.keys(value).length
  if (size > max) {
    issues.add(path, `has ${size} items; at most ${max} are allowed`)
    return
  }
  const isArray = Array.isArray(value)
  for (const key of Object.keys(value)) {
    // One such fault is enough: looking for more is what costs.
    if (issues.found) return
    // Zod leaves this key out without a word, and what is not stored must be refused.
    if (key === '__proto__') issues.add([...path, key], 'is not an allowed key')
    const item: unknown = Reflect.get(value, key)
    // Most values are strings: no path is made for them.
    if (path.length >= depthMax || typeof item !== 'object' || item === null) continue
    addSizeIssues(item, maxOf, issues, depthMax, [...path, isArray ? Number(key) : key])
  }
}

/** Turns Zod's issues into faults with pointers; of a union, the branch that the value was meant for. */
export function addSchemaIssues(
  zodIssues: readonly ZodIssue[],
  issues: ValidationIssues,
  codeOf: (path: Path) => ProblemCode = () => 'validation-failed',
  base: Path = [],
): void {
  for (const zodIssue of zodIssues) {
    const path = [...base, ...zodIssue.path.map((key) => (typeof key === 'number' ? key : String(key)))]
    if (zodIssue.code === 'unrecognized_keys') {
      for (const key of zodIssue.keys) issues.add([...path, key], 'is not a known field')
      continue
    }
    // Of the branches, the one whose type the value has; its faults are the useful ones.
    const meant =
      zodIssue.code === 'invalid_union'
        ? zodIssue.errors.find((branch) => !branch.some(isOfOtherType))
        : undefined
    if (meant !== undefined) addSchemaIssues(meant, issues, codeOf, path)
    else issues.add(path, detailOf(zodIssue), codeOf(path))
  }
}

function isOfOtherType(zodIssue: ZodIssue): boolean {
  if (zodIssue.path.length > 0) return false
  if (zodIssue.code === 'invalid_union') return zodIssue.errors.every((branch) => branch.some(isOfOtherType))
  return zodIssue.code === 'invalid_type'
}

function detailOf(zodIssue: ZodIssue): string {
  if (isMissing(zodIssue)) return 'is required'
  if (zodIssue.code === 'invalid_union') return 'has none of the types that are allowed here'
  if (zodIssue.code === 'invalid_key') return 'has a key that is not allowed'
  if (zodIssue.code === 'invalid_type' && zodIssue.expected === 'never') return 'is not supported yet'
  return zodIssue.message
    .replace(/^Invalid (?:input|option): /, '')
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
}

function isMissing(zodIssue: ZodIssue): boolean {
  if (zodIssue.code === 'invalid_union') return zodIssue.errors.every((branch) => branch.some(isMissing))
  return zodIssue.code === 'invalid_type' && zodIssue.message.endsWith('received undefined')
}
