import type { SendOutcome } from '../provider.ts'
import { classOf, type FailureCode } from './failures.ts'

/** The outcome of a failure; `waitMs` is the wait that the provider asks for, which has precedence over that of the class. */
export function toFailure(code: FailureCode, reason: string, waitMs?: number): SendOutcome {
  const { outcome, waitMs: usualMs } = classOf(code)
  switch (outcome) {
    case 'rejected-message':
      return { kind: 'rejected', scope: 'message', code, reason }
    case 'rejected-account':
      return { kind: 'rejected', scope: 'account', code, reason }
    case 'unknown':
      return { kind: 'unknown', code, reason }
    case 'deferred': {
      const retryAfterMs = waitMs ?? usualMs
      return { kind: 'deferred', code, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) }
    }
  }
}
