import { Problem, problemCodes, problemType } from '@lettergate/contracts/problems/problems'
import { z } from 'zod'

/** One entry for each message of a request, kept with its idempotency key: null for a message that was accepted. */
const Kept = z.array(z.object({ code: z.enum(problemCodes) }).nullable())

/** Only the code is kept of a problem: a repeat is checked again, and usually finds the same problem in full. */
export function toKept(entry: object): object | null {
  if (!(entry instanceof Problem)) return null
  const { code, status, title, detail } = new Problem(entry.code)
  // The whole form of a problem: processes of the version before read it.
  return { type: problemType(code), code, status, title, detail }
}

/** The problems of the first answer; `now` has those that the repeat found. Nothing was kept where all messages were accepted. */
export function fromKept<T extends object>(kept: unknown, now: readonly T[]): (T | Problem | null)[] {
  if (kept === undefined) return now.map(() => null)
  return Kept.parse(kept).map((before, index) => {
    if (!before) return null
    const found = now[index]
    return found instanceof Problem && found.code === before.code ? found : new Problem(before.code)
  })
}
