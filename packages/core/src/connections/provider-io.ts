import type { Egress } from '@lettergate/egress/egress'
import type { Io } from '@lettergate/providers/provider'
import type { CredentialRenewer, SecretOwner } from './renew-credentials.ts'

/** Parts of the process that every call to a provider needs. */
export type IoDeps = {
  /** `forTenant`: for calls by the connection of a tenant. */
  egress: Pick<Egress, 'request' | 'connect' | 'forTenant'>
  secrets: Pick<CredentialRenewer, 'renew'>
  now: () => number
}

type Signals = Pick<Io, 'signal'> & Partial<Pick<Io, 'beginSignal' | 'answerSignal'>>
type Call = {
  /** Null for the gateway's own calls. */
  owner: SecretOwner | null
  deadlineMs: number
  /** Of an attempt to send a message: its number. */
  attempt?: number
}

/**
 * The egress of one call, which ends with `signal`, or after `deadlineMs`; with a single deadline it is that of its parts too. The
 * signals are taken when they are asked for, since they may be made then.
 */
export function createIo(
  { egress, secrets, now }: IoDeps,
  signals: Signals,
  { owner, deadlineMs, attempt }: Call,
): Io {
  const endsAt = performance.now() + deadlineMs
  const way = owner ? egress.forTenant(owner.tenantId) : egress
  return {
    request: ({ timeoutMs = deadlineMs, answerBytesMax, ...request }) =>
      way.request(request, {
        signal: signals.signal,
        timeoutMs,
        ...(answerBytesMax !== undefined && { answerBytesMax }),
      }),
    connect: (target) => way.connect({ ...target, signal: signals.signal }),
    now: () => new Date(now()),
    ...(attempt !== undefined && { attempt }),
    get signal() {
      return signals.signal
    },
    get beginSignal() {
      return signals.beginSignal ?? signals.signal
    },
    get answerSignal() {
      return signals.answerSignal ?? signals.signal
    },
    msLeft: () => endsAt - performance.now(),
    replaceSecret(old, fresh) {
      if (owner) secrets.renew(owner, old, fresh)
    },
  }
}
