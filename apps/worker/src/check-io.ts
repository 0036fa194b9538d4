import type { Egress } from '@lettergate/egress/egress'
import type { Io } from '@lettergate/providers/provider'

/** The way out for one check of a connection, until `signal` ends it. */
export function checkIo(
  egress: Pick<Egress, 'request' | 'connect'>,
  now: () => number,
  signal: AbortSignal,
): Io {
  return {
    request: (request) => egress.request(request, { signal }),
    connect: (target) => egress.connect({ ...target, signal }),
    now: () => new Date(now()),
    signal,
  }
}
