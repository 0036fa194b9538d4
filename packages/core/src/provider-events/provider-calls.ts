import { Problem } from '@lettergate/contracts/problems/problems'
import type { Io, Provider } from '@lettergate/providers/provider'
import { createCountWindow, createIo, type IoDeps } from '../connections/index.ts'
import type { HookPlace } from './hook-store.ts'

export type ProviderCalls = {
  /** Runs a few requests to a provider, within their deadline. */
  run<T>(place: HookPlace, provider: Provider, work: (io: Io) => Promise<T>): Promise<T>
  /** Runs work that nobody waits for; with very much of it under way, it is left out. */
  runLater(place: HookPlace, provider: Provider, work: (io: Io) => Promise<unknown>): void
  stop(): Promise<void>
}

/** A person waits for it. */
const DEADLINE_MS = 25_000
const CALLS_PER_MINUTE = 20
/** Of all tenants at the same time: each holds a socket. */
const UNDER_WAY_MAX = 50
const LATER_MAX = 200

function overloaded(detail: string): Problem {
  return new Problem('overloaded', { detail, headers: { 'retry-after': '1' } })
}

/** Bounds what is asked of providers to register webhooks: per tenant and minute, in all, in time, and one at a time for each connection. */
export function createProviderCalls(
  deps: IoDeps & { deadlineMs?: number; onError: (error: unknown) => void },
): ProviderCalls {
  const { deadlineMs = DEADLINE_MS } = deps
  const window = createCountWindow({ max: CALLS_PER_MINUTE, windowMs: 60_000 })
  const stopping = new AbortController()
  const busy = new Set<string>()
  const later = new Set<Promise<void>>()

  async function bounded<T>(place: HookPlace, provider: Provider, work: (io: Io) => Promise<T>): Promise<T> {
    const { tenantId, connectionId } = place
    const signal = AbortSignal.any([AbortSignal.timeout(deadlineMs), stopping.signal])
    const io = createIo(deps, { signal }, { owner: { tenantId, connectionId, provider }, deadlineMs })
    // A call that ignores the signal is not awaited.
    const ended = new Promise<never>((_, reject) => {
      const end = () =>
        reject(
          overloaded('The provider did not answer in time. Repeat the request: it goes on where it ended.'),
        )
      signal.addEventListener('abort', end, { once: true })
    })
    const call = work(io)
    call.catch(() => {})
    return Promise.race([call, ended])
  }

  return {
    async run(place, provider, work) {
      if (stopping.signal.aborted) throw overloaded('This gateway is being restarted. Try again.')
      const waitSeconds = window.take(place.tenantId)
      if (waitSeconds > 0) {
        throw new Problem('rate-limited', {
          detail: `Events may be registered ${CALLS_PER_MINUTE} times a minute.`,
          headers: { 'retry-after': String(waitSeconds) },
        })
      }
      if (busy.size >= UNDER_WAY_MAX)
        throw overloaded('Too many connections are being registered. Try again.')
      if (busy.has(place.connectionId))
        throw overloaded('This connection is being registered now. Try again.')
      busy.add(place.connectionId)
      try {
        return await bounded(place, provider, work)
      } finally {
        busy.delete(place.connectionId)
      }
    },
    runLater(place, provider, work) {
      if (stopping.signal.aborted || later.size >= LATER_MAX) return
      const running: Promise<void> = bounded(place, provider, work)
        .then(() => {}, deps.onError)
        .finally(() => later.delete(running))
      later.add(running)
    },
    async stop() {
      stopping.abort()
      await Promise.all(later)
    },
  }
}
