import pg from 'pg'

/**
 * Classifies a failed statement for the caller.
 * `conflict`: lost a race, the statement may be repeated immediately. `unavailable`: no answer came, so a commit may or may
 * not have happened. `slow`: it took too long and was undone. `full`: the server cannot store more. `locked`: waited too long for a
 * lock. `query`: an error of the statement itself.
 * Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export type DatabaseFailure = 'conflict' | 'unavailable' | 'slow' | 'full' | 'locked' | 'query'

const FAILURE_BY_CODE: Record<string, DatabaseFailure> = {
  '40001': 'conflict',
  '40P01': 'conflict',
  '23505': 'conflict',
  '55P03': 'locked',
  '57014': 'slow',
  '53100': 'full',
  '53200': 'full',
  '53300': 'unavailable',
  '25P03': 'unavailable',
}

/** A query refused before it reached the server: an internal error. */
export class InvalidQuery extends Error {}

/** Sorts an error of `pg`; anything that is not an answer of the server counts as `unavailable`. */
export function databaseFailure(error: unknown): DatabaseFailure {
  if (error instanceof InvalidQuery) return 'query'
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return 'unavailable'
  const known = FAILURE_BY_CODE[error.code]
  if (known) return known
  return error.code.startsWith('08') || error.code.startsWith('57P') ? 'unavailable' : 'query'
}

/** Whether a wait for a lock that took too long was one for the row of another transaction's new key in this table. */
export function waitedForKeyOf(error: unknown, table: string): boolean {
  // "while inserting index tuple (0,1) in relation "idempotency"", in whatever language the server speaks.
  return (
    error instanceof pg.DatabaseError &&
    error.code === '55P03' &&
    error.where?.includes(`"${table}"`) === true
  )
}

/** Whether a row was refused because another one has its key in this unique index. */
export function isDuplicateIn(error: unknown, index: string): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === index
}
