import type pg from 'pg'

/** The join that `joinId` writes (packages/core/src/lib/sql/uuid-range.ts). */
const BY_ARRAY = /= any \(array_append\('\{\}'::uuid\[\], ([\w.$]+)\)\)/g
/** The first version that loses rows of a plain join, and that takes an index for every condition by an array. */
const FIRST_BY_ARRAY = 18

/** The statement with plain joins in the place of those by an array. */
export const withPlainJoins = (text: string): string => text.replaceAll(BY_ARRAY, '= $1')

/**
 * Gives a server before Postgres 18 plain joins. It loses no rows by them (docs/decisions/0033). With an array, its planner expects ten ids, and where
 * the day's partition was empty when the plan was made, it reads all messages of the tenant for each id.
 */
export function usePlainJoins(connection: pg.Connection): void {
  let isByArray = true
  connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
    if (status.parameterName === 'server_version')
      isByArray = Number.parseInt(status.parameterValue, 10) >= FIRST_BY_ARRAY
  })
  const parse = connection.parse.bind(connection)
  connection.parse = (query, more) =>
    parse(isByArray ? query : { ...query, text: withPlainJoins(query.text) }, more)
}
