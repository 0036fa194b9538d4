/** Why a message waits for a connection. */
export type WaitWhy = 'paused' | 'circuit' | 'rate' | 'rate-turn' | 'rate-far' | 'day' | 'concurrency'

/** Whether a connection can be used now. */
export type Availability =
  | { kind: 'ready' }
  /** The circuit may be probed: one call finds out whether the connection works again. */
  | { kind: 'probe' }
  | { kind: 'blocked'; why: 'paused' | 'circuit'; forMs: number }
