import type { FailureCode } from '../lib/failures.ts'

/** The step of a session that a reply answered; `open` is everything before MAIL FROM. */
export type Phase = 'open' | 'mail' | 'rcpt' | 'data'

/** One row of the table: what is left out fits everything. `text` is looked for in the words alone, without case. */
export type SmtpRule = {
  phases?: readonly Phase[]
  code?: RegExp
  enhanced?: RegExp
  text?: RegExp
  is: FailureCode
}
