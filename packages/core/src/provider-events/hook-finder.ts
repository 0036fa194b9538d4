import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { BatcherFull, createBatcher } from '@lettergate/db/batcher'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { isSameText } from '@lettergate/providers/lib/hook-checks'
import type { EventSource, Provider } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import { fromStorage } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'
import { HookContent, openSecrets, openUrls } from './hook-content.ts'
import { type FoundHook, findHooks } from './sql/find-hooks.ts'
import { readSealedHook } from './sql/read-sealed-hook.ts'

/** The parts of a URL of ours, as a request gave them. */
export type HookPath = { provider: string; connection: string; token: string }

/** A URL that takes events now. */
export type OpenHook = {
  tenantId: string
  connectionId: string
  provider: Provider
  events: EventSource
  /** As it was registered: some providers sign it. */
  url: string
  /** Any of them may verify. */
  secrets: readonly unknown[]
  /** Another one means another content. */
  version: number
}

export type HookFinder = {
  /** The hook of a URL; null: there is none, or its provider or token is another. */
  find(path: HookPath): Promise<OpenHook | null>
  /** The same, with what was changed in the last seconds. */
  findAgain(path: HookPath): Promise<OpenHook | null>
}

type Known = Omit<FoundHook, 'provider'> & {
  provider: Provider
  events: EventSource
  content: HookContent
  /** Those of the content, parsed once: keys of signatures take a while. */
  secrets: { value: unknown; until: string | null }[]
  at: number
}

/** A hook is read again after this time: its secrets may have been replaced. */
const FRESH_MS = 5_000
const HOOKS_MAX = 10_000
/** Guesses share statements, of which one runs at a time: that is all they can cost. */
const LOOK_UP = { itemsMax: 500, inFlightMax: 1, waitingMax: 2_000 }

/** Finds the hooks of URLs, and keeps them for seconds, so that a burst costs one look-up. */
export function createHookFinder(deps: {
  pool: Queryable
  tenants: Tenants
  sealer: Pick<Sealer, 'unsealJson'>
  providers: Readonly<Record<string, Provider>>
  /** Milliseconds of the database's clock. */
  now: () => number
}): HookFinder {
  const known = new LRUCache<string, Known>({ max: HOOKS_MAX })
  const loading = new Map<string, Promise<Known | null>>()
  const lookUps = createBatcher<string, FoundHook | null>({
    ...LOOK_UP,
    async run(ids) {
      const found = new Map((await findHooks(deps.pool, ids)).map((hook) => [hook.connectionId, hook]))
      return ids.map((id) => found.get(id) ?? null)
    },
  })

  async function load(id: string): Promise<Known | null> {
    const found = await lookUps.add(id)
    const provider =
      found && Object.hasOwn(deps.providers, found.provider) ? deps.providers[found.provider] : undefined
    if (!found || !provider?.events) {
      known.delete(id)
      return null
    }
    const { tenantId } = found
    const cached = known.get(id)
    const at = performance.now()
    if (cached?.version === found.version) {
      cached.at = at
      return cached
    }
    const row = await readSealedHook(deps.tenants.forTenant(tenantId), tenantId, id)
    if (!row) return null
    const opened = await deps.sealer.unsealJson({ tenantId, table: 'hook', id }, row)
    const content = HookContent.parse(opened)
    const { events } = provider
    const secrets = content.secrets.flatMap(({ value, until }) => {
      const { success, data } = events.secrets.safeParse(value)
      return success ? [{ value: data, until }] : []
    })
    const hook = { ...found, version: row.version, provider, events, content, secrets, at }
    known.set(id, hook)
    return hook
  }

  /** `joined`: the look-up had begun before, and may have missed the latest change. */
  async function ask(id: string): Promise<{ hook: Known | null; joined: boolean }> {
    const running = loading.get(id)
    const work = running ?? load(id).finally(() => loading.delete(id))
    if (!running) loading.set(id, work)
    try {
      return { hook: await work, joined: running !== undefined }
    } catch (error) {
      if (!(error instanceof BatcherFull)) return fromStorage(Promise.reject(error))
      // Look-ups of other ids must not keep events of a known one out.
      const cached = known.get(id)
      if (cached) return { hook: cached, joined: false }
      throw new Problem('overloaded', { headers: { 'retry-after': '2' } })
    }
  }

  /** The URL whose token it is, compared in constant time. */
  function fit(hook: Known | null, { provider, token }: HookPath): OpenHook | null {
    if (hook === null || hook.provider.id !== provider) return null
    const now = deps.now()
    const url = openUrls(hook.content, now).find((one) => isSameText(one.token, token))
    if (!url) return null
    const { tenantId, connectionId, events, version } = hook
    const secrets =
      events.proof === 'password'
        ? [events.secrets.parse({ password: url.password })]
        : openSecrets(hook, now)
    return { tenantId, connectionId, provider: hook.provider, events, url: url.url, secrets, version }
  }

  async function findAgain(path: HookPath, id: string): Promise<OpenHook | null> {
    const { hook, joined } = await ask(id)
    return fit(hook, path) ?? (joined ? fit((await ask(id)).hook, path) : null)
  }

  return {
    async find(path) {
      const id = fromPublicId('con', path.connection)
      if (id === null) return null
      const cached = known.get(id)
      const isFresh = cached !== undefined && performance.now() - cached.at < FRESH_MS
      return (isFresh ? fit(cached, path) : null) ?? findAgain(path, id)
    },
    async findAgain(path) {
      const id = fromPublicId('con', path.connection)
      return id === null ? null : findAgain(path, id)
    },
  }
}
