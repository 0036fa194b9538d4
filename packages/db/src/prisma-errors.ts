import pg from 'pg'
import { InvalidQuery } from './errors.ts'

/** Of Prisma's own codes, those that say that the database or a connection to it was not to be had. */
const UNAVAILABLE = /^(P1\d{3}|P2024|P2028)$/

function read(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at instanceof Object ? Reflect.get(at, name) : undefined), value)
}

/**
 * An error of Prisma Client as the error of `pg` behind it, so that callers know one kind. An error of Prisma's own checks keeps nothing
 * of its text, which quotes the values of the query.
 */
export function toDatabaseError(error: unknown): unknown {
  if (!(error instanceof Error) || !error.name.startsWith('PrismaClient')) return error
  const cause = ['meta', 'driverAdapterError', 'cause'] as const
  const [sqlState, message] = [
    read(error, ...cause, 'originalCode'),
    read(error, ...cause, 'originalMessage'),
  ]
  if (typeof sqlState === 'string') {
    const failure = new pg.DatabaseError(typeof message === 'string' ? message : sqlState, 0, 'error')
    failure.code = sqlState
    return failure
  }
  const code = read(error, 'code')
  if (typeof code === 'string' && UNAVAILABLE.test(code)) return error
  return new InvalidQuery(
    `Prisma refused a query: ${error.name}${typeof code === 'string' ? ` ${code}` : ''}`,
  )
}
