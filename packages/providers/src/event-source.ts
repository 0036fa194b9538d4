import type { z } from 'zod'
import type { ProviderEventKind, Reading } from './lib/provider-event.ts'
import type { Secret } from './lib/secret.ts'
import type { AccountFault, Io, ProviderConnection } from './provider.ts'

/** One POST to the URL of a connection's events, as it came. */
export type Hook = {
  /** As it was registered at the provider, since some sign it: from our own settings, never from a Host field. */
  url: string
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

export type HookVerdict =
  | { kind: 'verified' }
  /** The provider tries whether the URL answers: to be answered with 200; there is nothing in it to record. */
  | { kind: 'probe' }
  /** A subscription to be confirmed by a GET of `url`, which is made of checked parts and never taken from the body. */
  | { kind: 'confirm'; url: string }
  /** Not from the provider, or too old. `reason` is for the log of the tenant. */
  | { kind: 'refused'; reason: string }
  /** Cannot be told now: to be answered with 503, so that the provider repeats it. */
  | { kind: 'undecided'; reason: string }

/** Where a provider is to send its events. */
export type HookTarget<E> = {
  url: string
  /** Of this connection's events alone, fresh: for providers that sign nothing. */
  password: Secret
  /** Stores what verifies the events; called before the provider may send the first one. */
  keepSecrets(secrets: E): Promise<void>
}

export type Registered<R> =
  /** `notes`: what else to know, in whole sentences. */
  { kind: 'registered'; registration: R; notes: string[] } | { kind: 'failed'; fault: AccountFault }

/** How events of a provider come in. `E` is what verifies them, `R` what is kept of a registration to undo it. */
export interface EventSource<C = unknown, S = unknown, E = unknown, R = unknown> {
  /** All that it reports. */
  kinds: readonly ProviderEventKind[]
  /** `password`: the provider signs nothing, and sends a secret along. */
  proof: 'signature' | 'password'
  /** A longer body is none of its. */
  bodyBytesMax: number
  secrets: z.ZodType<E>
  registration: z.ZodType<R>
  /** Looks at bytes alone: nothing of the body is believed before. Of several secrets (old and new) any may fit. */
  verify(
    hook: Hook,
    secrets: readonly E[],
    io: Pick<Io, 'request' | 'now'>,
  ): HookVerdict | Promise<HookVerdict>
  /** The events in a verified body. */
  parse(hook: Hook, receivedAt: Date): Reading
  /** What a person does at the provider instead of `register`, in whole sentences. */
  steps(target: { url: string; password: Secret }): string[]
  /** Makes the provider send its events to the URL. Repeated, it takes up what an earlier call left behind. */
  register(connection: ProviderConnection<C, S>, target: HookTarget<E>, io: Io): Promise<Registered<R>>
  /** Undoes it; null when nothing is left of it at the provider. */
  unregister(connection: ProviderConnection<C, S>, registration: R, io: Io): Promise<AccountFault | null>
}
