import { Problem } from '@lettergate/contracts/problems/problems'
import { BatcherFull, createBatcher } from '@lettergate/db/batcher'
import type { Queryable } from '@lettergate/db/pool'
import type { Hook, HookVerdict, Io } from '@lettergate/providers/provider'
import { type Failpoint, fromStorage, notify } from '../lib/index.ts'
import type { HookFinder, HookPath, OpenHook } from './hook-finder.ts'
import type { HookVisitCounter } from './hook-visits.ts'
import { insertProviderEvents, type RawEvent } from './sql/insert-provider-events.ts'

/** Result of a request at a URL of ours, for the count. */
export type ReceivedKind = HookVerdict['kind'] | 'overloaded'

export type EventReceiver = {
  /**
   * Checks and keeps a request of a provider; resolves after the commit, or when there is nothing to keep. Throws the `Problem` to answer
   * with otherwise.
   */
  receive(path: HookPath, hook: OpenHook, request: Pick<Hook, 'headers' | 'body'>): Promise<void>
  /** Resolves when all requests under way are kept and counted. */
  drain(): Promise<void>
}

/** Requests in one statement, and the bytes of their bodies. */
const BATCH = { itemsMax: 250, weightMax: 4_000_000, inFlightMax: 2, waitingMax: 2_000 }
/** Seconds until the provider repeats a request that could not be decided. */
const UNDECIDED_SECONDS = 30

/** Only for the tenant to see. */
const NO_SECRET = 'no secret of the provider is stored for this connection; store it with register-events'

/** Fields that are secret, or say nothing about the event. */
const DROPPED =
  /^(authorization|proxy-authorization|cookie|x-lettergate-secret|host|connection|keep-alive|content-length|transfer-encoding|accept.*|te|via|forwarded|x-forwarded-.*|x-real-ip)$/

function keptHeaders(headers: Hook['headers']): string {
  return JSON.stringify(Object.fromEntries(Object.entries(headers).filter(([name]) => !DROPPED.test(name))))
}

/** Takes requests of providers: verified before anything in them is believed, kept as they came, applied later by a worker. */
export function createEventReceiver(deps: {
  pool: Queryable
  finder: HookFinder
  visits: HookVisitCounter
  io: Pick<Io, 'request' | 'now'>
  failpoint: Failpoint
  onReceived: (provider: string, kind: ReceivedKind) => void
  onError: (error: unknown) => void
}): EventReceiver {
  const batches = createBatcher<RawEvent, true>({
    ...BATCH,
    weigh: ({ body }) => body.length,
    async run(events) {
      await insertProviderEvents(deps.pool, events)
      // A hint: a worker that misses it looks by itself.
      notify(deps.pool, [{ channel: 'lg_provider_event', payload: '' }]).catch(deps.onError)
      await deps.failpoint('after_provider_event_commit')
      return events.map(() => true)
    },
  })

  async function keep(hook: OpenHook, { headers, body }: Pick<Hook, 'headers' | 'body'>): Promise<void> {
    const { tenantId, connectionId, provider } = hook
    try {
      await batches.add({
        tenantId,
        connectionId,
        provider: provider.id,
        headers: keptHeaders(headers),
        body,
      })
    } catch (error) {
      if (!(error instanceof BatcherFull)) return fromStorage(Promise.reject(error))
      deps.onReceived(provider.id, 'overloaded')
      throw new Problem('overloaded', {
        detail:
          'Too many events wait to be stored. This one was not stored; send it again after Retry-After.',
        headers: { 'retry-after': '2' },
      })
    }
  }

  /** Calls the address by which a subscription is confirmed; it is made of checked parts. */
  async function confirm(url: string): Promise<void> {
    const answered = await deps.io.request({ method: 'GET', url, headers: {}, answerBytesMax: 65_536 }).then(
      ({ status }) => status >= 200 && status < 300,
      (error: unknown) => {
        deps.onError(error)
        return false
      },
    )
    if (!answered) throw undecided('The subscription could not be confirmed.')
  }

  /** The verdict by the secrets as they are known, and if they refuse, by those that are stored now. */
  async function judge(
    path: HookPath,
    known: OpenHook,
    request: Pick<Hook, 'headers' | 'body'>,
  ): Promise<{ hook: OpenHook; verdict: HookVerdict }> {
    const verify = async (hook: OpenHook) =>
      hook.events.verify({ url: hook.url, ...request }, hook.secrets, deps.io)
    const verdict = await verify(known)
    if (verdict.kind !== 'refused') return { hook: known, verdict }
    const hook = await deps.finder.findAgain(path)
    // The cache gives the same content as long as nothing was changed.
    if (hook === null || hook.version === known.version) return { hook: known, verdict }
    return { hook, verdict: await verify(hook) }
  }

  return {
    async receive(path, known, request) {
      const { hook, verdict } = await judge(path, known, request)
      const isEmpty = verdict.kind === 'verified' && request.body.length === 0
      const kind = isEmpty ? 'probe' : verdict.kind
      deps.onReceived(hook.provider.id, kind)
      if (verdict.kind === 'refused') {
        deps.visits.refused(hook.connectionId, hook.secrets.length === 0 ? NO_SECRET : verdict.reason)
        throw new Problem('unauthorized', {
          detail:
            'This is not signed by the provider of the connection, or its signature or password is wrong or too old.',
        })
      }
      if (verdict.kind === 'undecided') throw undecided(`It could not be verified: ${verdict.reason}.`)
      if (verdict.kind === 'confirm') await confirm(verdict.url)
      if (kind !== 'verified') return
      await keep(hook, request)
      deps.visits.stored(hook.connectionId)
    },
    drain: () => batches.drain(),
  }
}

function undecided(detail: string): Problem {
  return new Problem('overloaded', { detail, headers: { 'retry-after': String(UNDECIDED_SECONDS) } })
}
