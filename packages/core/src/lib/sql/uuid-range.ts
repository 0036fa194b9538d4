import { uuidTime } from '@lettergate/contracts/lib/ids'

/**
 * Lowest and highest of some ids, as two parameters. A statement that says `id between` them opens only the partitions that these
 * ids can be in: Postgres prunes by parameters before it starts, but by a join only after it has opened every partition.
 */
export function idRange(ids: readonly string[]): [string, string] {
  let [low, high] = [ids[0] ?? '', ids[0] ?? '']
  for (const id of ids) {
    if (id < low) low = id
    if (id > high) high = id
  }
  return [low, high]
}

/**
 * The condition `column = id` of a join in a statement that waits for locks, beside the range of `idRange`. Such a join must not choose
 * partitions by itself: where the range leaves out some when the statement starts and the join others while it runs, Postgres 18 drops rows
 * of the statement, or fails, once it has waited for a lock (docs/decisions/0033). By an array that Postgres does not look into, it uses the
 * index alone, of every day of the range: statements for many messages are run day by day (`byDay`).
 */
export function joinId(column: string, id: string): string {
  return `${column} = any (array_append('{}'::uuid[], ${id}))`
}

const DAY_MS = 86_400_000

/** The rows by the day of their ids, which is that of their partitions, the oldest first. */
export function byDay<T>(rows: readonly T[], idOf: (row: T) => string): T[][] {
  const days = Map.groupBy(rows, (row) => Math.floor(uuidTime(idOf(row)).getTime() / DAY_MS))
  return [...days].sort(([a], [b]) => a - b).map(([, ofDay]) => ofDay)
}
