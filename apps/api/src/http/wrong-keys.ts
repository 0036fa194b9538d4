import { createCountWindow } from '@lettergate/core/connections'

/** Wrong keys that one address may try per window; a program with a stale key reaches that, a person does not. */
const WRONG_MAX = 100
const WINDOW_MS = 60_000

export type WrongKeys = {
  /** Counts one wrong key; answers the seconds to wait once there were too many, else 0. */
  count(address: string): number
  /** Whether this address sent enough wrong keys that further ones are most likely guesses. */
  isGuesser(address: string): boolean
}

/**
 * Limits guesses per address. Only wrong keys are refused: a good one works from behind the same address, so one broken client cannot shut
 * out its neighbours.
 */
export function createWrongKeys(): WrongKeys {
  const window = createCountWindow({ max: WRONG_MAX, windowMs: WINDOW_MS })
  return {
    count: (address) => window.take(address),
    isGuesser: (address) => window.waitSeconds(address) > 0,
  }
}
