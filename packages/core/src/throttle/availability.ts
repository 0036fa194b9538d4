/** Why a message waits for a connection. */
export const waitReasons = {
  paused: 'its provider asked for a pause',
  circuit: 'its circuit breaker is open',
  rate: 'its rate limit is reached',
  'rate-turn': 'its rate limit is reached, and bulk mail waits for transactional mail',
  'rate-far': 'its rate limit is reached for more than an hour ahead',
  day: 'its daily limit is used up',
  concurrency: 'its concurrency limit is reached',
} as const satisfies Record<string, string>

export type WaitWhy = keyof typeof waitReasons

/** Narrows a text that was read back from the database. */
export function isWaitWhy(text: string | null): text is WaitWhy {
  return text !== null && Object.hasOwn(waitReasons, text)
}

/** Whether a connection can be used now. */
export type Availability =
  | { kind: 'ready' }
  /** The circuit may be probed: one call finds out whether the connection works again. */
  | { kind: 'probe' }
  | { kind: 'blocked'; why: 'paused' | 'circuit'; forMs: number }
