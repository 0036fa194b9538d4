import type { Io } from '@lettergate/providers/provider'
import { createIo, type IoDeps } from '../connections/index.ts'

/** Of one request, such as that for a certificate: the provider waits for our answer meanwhile. */
const DEADLINE_MS = 8_000

/** Requests that a verification needs, through the guard; the deadline begins with each. */
export function createHookIo(deps: IoDeps): Pick<Io, 'request' | 'now'> {
  return {
    request: (request) =>
      createIo(
        deps,
        { signal: AbortSignal.timeout(DEADLINE_MS) },
        { owner: null, deadlineMs: DEADLINE_MS },
      ).request(request),
    now: () => new Date(deps.now()),
  }
}
