import type { FailureCode } from '../../src/lib/failures.ts'
import type { Phase } from '../../src/smtp/rule.ts'

/** One known answer: at which steps it was given, what it means, and who writes it. Addresses and names in it are made up. */
export type KnownReply = { text: string; phases: Phase[]; is: FailureCode; source: string }

/** Rows of one source, each as text, steps and class. */
export function from(
  source: string,
  ...rows: [text: string, phases: Phase[], is: FailureCode][]
): KnownReply[] {
  return rows.map(([text, phases, is]) => ({ text, phases, is, source }))
}

export const mail: Phase[] = ['mail']
export const rcpt: Phase[] = ['rcpt']
export const data: Phase[] = ['data']
/** Servers keep a refusal of the client or the sender until any of these. */
export const anyStep: Phase[] = ['mail', 'rcpt', 'data']
