/** Recent results of one connection at one worker: consecutive failures, and results per time slice. */
export type Tally = { inARow: number; slices: readonly Slice[] }
type Slice = { at: number; good: number; failed: number }

export const NO_TALLY: Tally = { inARow: 0, slices: [] }

const IN_A_ROW_MAX = 5
const WINDOW_MS = 30_000
const SLICE_MS = 5_000
const CALLS_MIN = 20
const FAILED_PART = 0.5

/** How long a circuit stays open; doubles each time its probe fails. */
export const OPEN_MS = { firstMs: 5_000, mostMs: 600_000 }

/** Adds one call to the tally. Pure; `now` in milliseconds of any clock. */
export function count(tally: Tally, failed: boolean, now: number): Tally {
  const at = Math.floor(now / SLICE_MS) * SLICE_MS
  const slices = tally.slices.filter((slice) => slice.at > now - WINDOW_MS && slice.at !== at)
  const { good, failed: bad } = tally.slices.find((slice) => slice.at === at) ?? { good: 0, failed: 0 }
  slices.push({ at, good: good + (failed ? 0 : 1), failed: bad + (failed ? 1 : 0) })
  return { inARow: failed ? tally.inARow + 1 : 0, slices }
}

/** True when the circuit should open: every call fails, or half of many calls fail. */
export function mustOpen(tally: Tally): boolean {
  if (tally.inARow >= IN_A_ROW_MAX) return true
  const good = tally.slices.reduce((sum, slice) => sum + slice.good, 0)
  const failed = tally.slices.reduce((sum, slice) => sum + slice.failed, 0)
  // A success never opens a circuit, whatever preceded it.
  return tally.inARow > 0 && good + failed >= CALLS_MIN && failed >= (good + failed) * FAILED_PART
}

/**
 * Moves a circuit after a call, by one row for each case. Pure. `tally` is that of this worker from then on.
 *
 * | circuit | the call | succeeded | failed |
 * |---|---|---|---|
 * | any | was the probe | closes | opens, for twice the time |
 * | closed | was ordinary | is counted | is counted; opens if `mustOpen` |
 * | open, half-open | began before | nothing | nothing |
 */
export function afterCall(
  circuit: { isClosed: boolean; tally: Tally },
  call: { isProbe: boolean; failed: boolean },
  now: number,
): { move: 'open' | 'close' | null; tally: Tally } {
  const { isClosed, tally } = circuit
  if (call.isProbe) return call.failed ? { move: 'open', tally: NO_TALLY } : { move: 'close', tally }
  if (!isClosed) return { move: null, tally }
  const counted = count(tally, call.failed, now)
  return call.failed && mustOpen(counted) ? { move: 'open', tally: NO_TALLY } : { move: null, tally: counted }
}
