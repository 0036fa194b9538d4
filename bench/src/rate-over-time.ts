const TENTHS = 10

/** Whole seconds of a count by tenths of a second, as points of a line; what is left over at the end is no second. */
export function ratePerSecond(perTenth: readonly number[]): [number, number][] {
  return Array.from({ length: Math.floor(perTenth.length / TENTHS) }, (_, second) => [
    second + 1,
    sum(perTenth.slice(second * TENTHS, (second + 1) * TENTHS)),
  ])
}

/**
 * The rate of each run of `size` messages between two counts, in order. A message is taken to come evenly within its tenth of a
 * second; a run that `to` would cut is left out.
 */
export function partRates(perTenth: readonly number[], from: number, to: number, size: number): number[] {
  const rates: number[] = []
  for (let count = from; count + size <= to; count += size) {
    rates.push(size / (secondOf(perTenth, count + size) - secondOf(perTenth, count)))
  }
  return rates
}

/** Without the longest stretch in which nothing came. */
export function afterPause(perTenth: readonly number[]): number[] {
  let [from, to, start] = [0, 0, 0]
  for (const [tenth, count] of [...perTenth, 1].entries()) {
    if (count === 0) continue
    if (tenth - start > to - from) [from, to] = [start, tenth]
    start = tenth + 1
  }
  return [...perTenth.slice(0, from), ...perTenth.slice(to)]
}

/** When this number had come. */
function secondOf(perTenth: readonly number[], count: number): number {
  let before = 0
  for (const [tenth, here] of perTenth.entries()) {
    if (before + here >= count && here > 0) return (tenth + (count - before) / here) / TENTHS
    before += here
  }
  return perTenth.length / TENTHS
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
