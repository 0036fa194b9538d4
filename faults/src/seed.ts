import { reportSeed } from './report.ts'

/** Seed of this run, printed so that a failure can be repeated: SEED=… npx vitest run <file>. */
export function announceSeed(test: string): Random {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  process.stdout.write(`${test}: SEED=${seed}\n`)
  reportSeed(test, seed)
  return createRandom(seed)
}

/** Messages in a test: small inside `npm test`, FAULTS_N for a long run. */
export function faultsCount(small: number): number {
  return Number(process.env.FAULTS_N ?? small)
}

export type Random = {
  /** For a process with a fail point, which draws its own random numbers. */
  seed: number
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number
}

/** Mulberry32: enough for choosing moments and sizes, and the same on every machine. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { seed, below: (limit) => Math.floor(next() * limit) }
}
