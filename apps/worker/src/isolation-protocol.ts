import type { AttemptResult } from '@lettergate/core/deliver'
import type { Claim } from '@lettergate/core/dispatch'

export type ToIsolated = { claim: Claim }

export type FromIsolated =
  | { kind: 'ready' }
  | { kind: 'done'; epoch: number }
  | { kind: 'attempt'; attempt: AttemptResult }
