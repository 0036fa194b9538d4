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
