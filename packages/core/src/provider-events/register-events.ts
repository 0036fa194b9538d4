import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { addSchemaIssues } from '@lettergate/contracts/problems/schema-issues'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import type { RegisterEventsRequest } from '@lettergate/contracts/provider-events/requests'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { reportWithoutSecrets } from '@lettergate/providers/lib/redact'
import { Secret } from '@lettergate/providers/lib/secret'
import type { AccountProblem, EventSource, Io, Provider } from '@lettergate/providers/provider'
import { z } from 'zod'
import { type IoDeps, type OpenedConnection, openConnection } from '../connections/index.ts'
import {
  closed,
  freshUrl,
  type HookContent,
  type HookUrl,
  OLD_MAX,
  OLD_MS,
  openUrls,
  promoted,
  withSecret,
} from './hook-content.ts'
import {
  changeHook,
  type HookPlace,
  type HookState,
  type HookStoreDeps,
  type OldRegistration,
  readHook,
  type StoredHook,
} from './hook-store.ts'
import { createProviderCalls } from './provider-calls.ts'
import { hideUrl, showUrl } from './registered-urls.ts'

/** Where a provider sends the events of a connection, and how that goes. */
export type EventsState = {
  provider: string
  /** Null: none takes events, or the one before only for a while. */
  url: string | null
  /** Until when URLs of before are good; null: there are none. */
  oldUrlsUntil: Date | null
  /** Whether the webhook at the provider was made by us. */
  registered: boolean
  hook: HookState | null
  /** Why the last call to the provider failed. */
  problem: AccountProblem | null
  /** For a person at the provider. They may show a password, so they stand in answers to writers alone. */
  steps: string[]
  notes: string[]
}

export type EventRegistrar = {
  /** How it is now; asks nobody. */
  read(tenantId: string, id: string): Promise<EventsState>
  /** Makes the provider send events to the URL of this connection; `rotate`: to a fresh one. */
  register(
    tenantId: string,
    id: string,
    request: RegisterEventsRequest & { rotate: boolean },
  ): Promise<EventsState>
  /** Removes it at the provider; events that are on their way are taken for another day. */
  unregister(tenantId: string, id: string): Promise<EventsState>
  /** Reads what is to be undone once the connection is deleted; the answer does it, and never fails. */
  beforeDelete(tenantId: string, id: string): Promise<() => void>
  /** Ends calls to providers. */
  stop(): Promise<void>
}

export type RegistrarDeps = IoDeps &
  HookStoreDeps & {
    tenants: Tenants
    sealer: HookStoreDeps['sealer']
    providers: Readonly<Record<string, Provider>>
    /** How providers reach this gateway; undefined: the operator did not say. */
    publicUrl: string | undefined
    deadlineMs?: number
    onError: (error: unknown) => void
  }

/** The values behind the secrets of a provider, for the seal. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal()
  if (Array.isArray(value)) return value.map(revealed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revealed(inner)]))
}

function eventsOf({ id, events, bouncesByMail }: Provider): EventSource {
  if (events && events.proof !== 'none') return events
  const instead = bouncesByMail
    ? 'Bounces come back as mail to the return path of the message.'
    : 'Its results are final when the message was sent.'
  throw new Problem('wrong-state', {
    detail: `The provider ${id} sends no events to a URL. ${instead} There is nothing to register.`,
  })
}

function parseSecrets(events: EventSource, given: unknown): unknown {
  const issues = new ValidationIssues()
  if (events.proof === 'password') {
    issues.add(
      ['secrets'],
      'has no meaning for this provider: it signs nothing, and sends the password of the steps',
    )
    throw issues.toProblem()
  }
  const parsed = events.secrets.safeParse(given)
  if (parsed.success) return parsed.data
  addSchemaIssues(parsed.error.issues, issues, undefined, ['secrets'])
  throw issues.toProblem()
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

/** Adds the webhook in use to those that are removed in a day, unless the new one is the same. */
function retiring(state: HookState | null, registration: unknown, now: number): OldRegistration[] {
  const before = z
    .json()
    .nullable()
    .parse(state?.registration ?? null)
  const kept = (state?.oldRegistrations ?? []).filter((old) => !isSame(old.registration, registration))
  if (before === null || isSame(before, registration)) return kept
  return [...kept, { registration: before, until: new Date(now + OLD_MS).toISOString() }].slice(-OLD_MAX)
}

/** Registers connections at their providers: docs/decisions/0020-events-kept-before-they-are-read.md. */
export function createEventRegistrar(deps: RegistrarDeps): EventRegistrar {
  const calls = createProviderCalls(deps)

  async function open(tenantId: string, id: string) {
    const opened = await openConnection(deps, tenantId, id)
    if (opened === null)
      throw new Problem('wrong-state', {
        detail:
          'The stored credentials of this connection cannot be opened. Store them again, then repeat the request.',
      })
    const place: HookPlace = { tenantId, connectionId: id, provider: opened.provider.id }
    return { place, opened, events: eventsOf(opened.provider) }
  }

  async function show(place: HookPlace, more: Partial<EventsState> = {}): Promise<EventsState> {
    const hook = await readHook(deps, place)
    const now = deps.now()
    const ends = (hook?.content.old ?? [])
      .map(({ until }) => Date.parse(until ?? ''))
      .filter((end) => end > now)
    return {
      provider: place.provider,
      url: hook?.content.current?.url ?? null,
      oldUrlsUntil: ends.length === 0 ? null : new Date(Math.max(...ends)),
      registered: hook !== null && hook.state.registration !== null,
      hook: hook?.state ?? null,
      problem: null,
      steps: [],
      notes: [],
      ...more,
    }
  }

  function baseOf({ provider, connectionId }: HookPlace): string {
    if (deps.publicUrl !== undefined)
      return `${deps.publicUrl}/v1/hooks/${provider}/${toPublicId('con', connectionId)}/`
    throw new Problem('wrong-state', {
      detail:
        'This gateway does not know its public address, so no provider can be given a URL. The operator sets LETTERGATE_PUBLIC_URL.',
    })
  }

  /** The URL to register, which is stored before anybody is given it. */
  async function prepare(place: HookPlace, rotate: boolean): Promise<HookUrl> {
    const base = baseOf(place)
    const fits = (url: HookUrl | null) => url?.url.startsWith(base) === true
    let target: HookUrl | null = null
    await changeHook(deps, place, (content) => {
      const { current, next } = content
      if (!rotate && current !== null && fits(current)) {
        target = current
        return null
      }
      if (openUrls({ ...content, current: null, next: null }, deps.now()).length >= OLD_MAX)
        throw new Problem('wrong-state', {
          detail: `The URL was replaced ${OLD_MAX} times within a day, and each one of before is still good. Wait until the first one has ended.`,
        })
      if (next !== null && fits(next)) {
        target = next
        return null
      }
      target = freshUrl(base)
      return { content: current === null ? { ...content, current: target } : { ...content, next: target } }
    })
    if (target === null) throw new Error('a hook without a URL')
    return target
  }

  const keep = (place: HookPlace, secrets: unknown) =>
    changeHook(deps, place, (content) => ({
      content: withSecret(content, z.json().parse(revealed(secrets))),
    }))

  async function registerByHand(
    place: HookPlace,
    events: EventSource,
    { secrets, rotate }: RegisterEventsRequest & { rotate: boolean },
  ): Promise<EventsState> {
    const parsed = secrets === undefined ? undefined : parseSecrets(events, secrets)
    const target = await prepare(place, rotate)
    if (parsed !== undefined) await keep(place, parsed)
    await changeHook(deps, place, (content, state) =>
      content.next?.token === target.token
        ? {
            content: promoted(content, deps.now()),
            registration: null,
            oldRegistrations: retiring(state, null, deps.now()),
          }
        : null,
    )
    const password = new Secret(target.password)
    return show(place, { steps: events.steps({ url: target.url, password }) })
  }

  async function registerAtProvider(
    place: HookPlace,
    { provider, connection }: OpenedConnection,
    rotate: boolean,
  ): Promise<EventsState> {
    const events = eventsOf(provider)
    const target = await prepare(place, rotate)
    const { url, token } = target
    const password = new Secret(target.password)
    const keepSecrets = async (secrets: unknown) => {
      // Its password is stored with the URL.
      if (events.proof === 'signature') await keep(place, secrets)
    }
    const done = await calls.run(place, provider, (io) =>
      events.register(connection, { url, password, keepSecrets }, io),
    )
    if (done.kind === 'failed') {
      const report = reportWithoutSecrets({ problem: done.problem, notes: [] }, connection.credentials)
      return show(place, { url, problem: report.problem, steps: events.steps({ url, password }) })
    }
    const registration = hideUrl(z.record(z.string(), z.unknown()).parse(done.registration), target)
    await changeHook(deps, place, (content, state) => ({
      content: content.next?.token === token ? promoted(content, deps.now()) : content,
      registration,
      oldRegistrations: retiring(state, registration, deps.now()),
    }))
    return show(place, { notes: done.notes })
  }

  /** Removes what was made at the provider; answers the first problem, or null. */
  function removing(
    { provider, connection }: OpenedConnection,
    { content, state: { registration, oldRegistrations } }: StoredHook,
  ) {
    const events = eventsOf(provider)
    const all = [registration, ...oldRegistrations.map((old) => old.registration)]
      .map((one) => showUrl(one, content))
      .filter((one) => one !== null)
    return async (io: Io): Promise<AccountProblem | null> => {
      for (const one of all) {
        const problem = await events.unregister(connection, events.registration.parse(one), io)
        if (problem) return reportWithoutSecrets({ problem, notes: [] }, connection.credentials).problem
      }
      return null
    }
  }

  return {
    async read(tenantId, id) {
      const { place } = await open(tenantId, id)
      return show(place)
    },
    async register(tenantId, id, request) {
      const { place, opened, events } = await open(tenantId, id)
      if (request.manual || request.secrets !== undefined) return registerByHand(place, events, request)
      return registerAtProvider(place, opened, request.rotate)
    },
    async unregister(tenantId, id) {
      const { place, opened } = await open(tenantId, id)
      const hook = await readHook(deps, place)
      if (hook === null) return show(place)
      const problem = await calls.run(place, opened.provider, removing(opened, hook))
      if (problem) return show(place, { problem })
      await changeHook(deps, place, (content: HookContent) => ({
        content: closed(content, deps.now()),
        registration: null,
        oldRegistrations: [],
      }))
      return show(place)
    },
    async beforeDelete(tenantId, id) {
      try {
        const { place, opened } = await open(tenantId, id)
        const hook = await readHook(deps, place)
        if (!hook) return () => {}
        return () => calls.runLater(place, opened.provider, removing(opened, hook))
      } catch (error) {
        // The deletion says what is wrong, or goes without it.
        if (!(error instanceof Problem)) deps.onError(error)
        return () => {}
      }
    },
    stop: () => calls.stop(),
  }
}
