import type { Env } from './config.ts'

/** The environment for a child process: ours, changed by `overrides` (undefined removes a name). */
export function childEnv(overrides: Env, base: Env = process.env): Env {
  return Object.fromEntries(
    Object.entries({ ...base, ...overrides }).filter(([, value]) => value !== undefined),
  )
}
