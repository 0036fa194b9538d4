import type { Egress } from '@lettergate/egress/egress'
import type { Io } from '@lettergate/providers/provider'
import type { SecretKeeper, SecretOwner } from './keep-secrets.ts'

/** What every call to a provider needs of the process. */
export type IoDeps = {
  egress: Pick<Egress, 'request' | 'connect'>
  secrets: Pick<SecretKeeper, 'keep'>
  now: () => number
}

type Call = Pick<Io, 'signal'> &
  Partial<Pick<Io, 'beginSignal' | 'answerSignal'>> & {
    /** Null for what the gateway has by itself. */
    owner: SecretOwner | null
    deadlineMs: number
  }

/** The way out for one call, which ends with `signal`, or after `deadlineMs`; with a single deadline it is that of its parts too. */
export function createIo({ egress, secrets, now }: IoDeps, call: Call): Io {
  const { owner, signal, deadlineMs, beginSignal = signal, answerSignal = signal } = call
  const endsAt = performance.now() + deadlineMs
  return {
    request: ({ timeoutMs = deadlineMs, answerBytesMax, ...request }) =>
      egress.request(request, {
        ...{ signal, timeoutMs },
        ...(answerBytesMax !== undefined && { answerBytesMax }),
      }),
    connect: (target) => egress.connect({ ...target, signal }),
    now: () => new Date(now()),
    ...{ signal, beginSignal, answerSignal },
    msLeft: () => endsAt - performance.now(),
    replaceSecret(old, fresh) {
      if (owner) secrets.keep(owner, old, fresh)
    },
  }
}
