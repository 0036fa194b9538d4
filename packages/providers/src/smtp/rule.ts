import type { FailureCode } from '../lib/failures.ts'

/** The step of a session that a reply answered; `open` is everything before MAIL FROM. */
export type Phase = 'open' | 'mail' | 'rcpt' | 'data'

/** One row of the table: omitted fields match everything. `text` is searched only in the words, ignoring case. */
export type SmtpRule = {
  phases?: readonly Phase[]
  code?: RegExp
  enhanced?: RegExp
  text?: RegExp
  is: FailureCode
}
