import type { Egress } from '@lettergate/egress/egress'
import type { Io } from '@lettergate/providers/provider'

/** A question about an account is answered soon, or asked again in some minutes. */
const CHECK_MS = 10_000

/** The way out for one check of a connection. */
export function checkIo(egress: Pick<Egress, 'request' | 'connect'>, now: () => number): Io {
  const signal = AbortSignal.timeout(CHECK_MS)
  return {
    request: (request) => egress.request(request, { signal, timeoutMs: CHECK_MS }),
    connect: (target) => egress.connect({ ...target, signal }),
    now: () => new Date(now()),
    ...{ signal, beginSignal: signal, answerSignal: signal },
  }
}
