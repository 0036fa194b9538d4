import type { Egress } from '@lettergate/egress/egress'
import type { Io } from '@lettergate/providers/provider'
import type { SecretKeeper, SecretOwner } from './keep-secrets.ts'

/** What every call to a provider needs of the process. */
export type IoDeps = {
  egress: Pick<Egress, 'request' | 'connect'>
  secrets: Pick<SecretKeeper, 'keep'>
  now: () => number
}

/** The way out for one call, which ends with `signal`, or after `deadlineMs`. `owner`: null for what the gateway has by itself. */
export function createIo(
  { egress, secrets, now }: IoDeps,
  { owner, signal, deadlineMs }: { owner: SecretOwner | null; signal: AbortSignal; deadlineMs: number },
): Io {
  const endsAt = performance.now() + deadlineMs
  return {
    request: ({ timeoutMs = deadlineMs, answerBytesMax, ...request }) =>
      egress.request(request, {
        ...{ signal, timeoutMs },
        ...(answerBytesMax !== undefined && { answerBytesMax }),
      }),
    connect: (target) => egress.connect({ ...target, signal }),
    now: () => new Date(now()),
    signal,
    msLeft: () => endsAt - performance.now(),
    replaceSecret(old, fresh) {
      if (owner) secrets.keep(owner, old, fresh)
    },
  }
}
