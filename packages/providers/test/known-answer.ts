import type { FailureCode } from '../src/lib/failures.ts'

/** One answer as its provider gives it: code and words, and the class that it is. */
export type KnownAnswer = readonly [status: number, code: string, message: string, is: FailureCode]

/** `source`: where the answers are documented, or were met. */
export type KnownAnswers = { source: string; rows: readonly KnownAnswer[] }

// Short names, so that a row fits a line.
export const sender = 'provider-sender-refused'
export const account = 'provider-account-suspended'
export const quota = 'provider-quota-used-up'
export const rate = 'provider-rate-limited'
export const settings = 'provider-settings-wrong'
export const permission = 'provider-permission-missing'
export const credentials = 'provider-credentials-refused'
export const recipient = 'recipient-refused'
export const content = 'message-refused'
export const unknown = 'refusal-unrecognised'
export const met = 'met by users of the provider, and reported in public'
