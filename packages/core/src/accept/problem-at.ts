import { Problem, type ProblemCode } from '@lettergate/contracts/problems/problems'

/** The refusal of a message for one of its parts. `at`: the pointer of the part; `detail` fits behind it. */
export function problemAt(code: ProblemCode, at: string, detail: string): Problem {
  return new Problem(code, { detail: `${at}: ${detail}`, errors: [{ pointer: at, detail }] })
}
