import type { NetworkFailure } from '../provider.ts'

/** Whether an error is one that `Io` throws, by its shape. */
export function isNetworkFailure(error: unknown): error is NetworkFailure {
  return error instanceof Error && 'bodySent' in error && 'reason' in error && 'refused' in error
}
