import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Provider } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import { ZodError } from 'zod'
import type { Candidate, SealedConnection } from '../connections/index.ts'
import { openOwnDomains } from '../domains/index.ts'
import { SealBroken, type Sealer } from '../secrets/index.ts'
import { orderTargets, type Routable, routeOf } from './match-route.ts'
import { listSealedConnections, type RoutingRule } from './sql/list-sealed-connections.ts'

/** The rule that selected the connections. */
export type Rule = 'named' | 'route' | 'priority' | 'fallback'

export type Route =
  /** In the order in which they are preferred; at least one. */
  | { kind: 'candidates'; rule: Rule; routeId: string | null; candidates: readonly Candidate[] }
  /** No connection may carry it now. */
  | { kind: 'none'; reason: string }

export type Router = {
  /** Which connections may carry this message. */
  route(message: Message): Promise<Route>
}

type Message = Routable & {
  messageId: string
  tenantId: string
  mode: 'live' | 'test'
  connectionId: string | null
  connectionsVersion: number
}

/** A change of connections or routes is visible in their version immediately; this is how long opened credentials stay in memory. */
const TTL_MS = 60_000
const TENANTS_MAX = 2_000

type Opened = { usable: Candidate[]; routes: RoutingRule[]; hasBroken: boolean }

const none = (reason: string): Route => ({ kind: 'none', reason: `provider-required: ${reason}` })

/** One of the tenant's own connections that the message names, a route that fits it, or all by priority; null: it has none. */
function chooseRoute({ usable, routes, hasBroken }: Opened, message: Message): Route | null {
  if (message.connectionId !== null) {
    const named = usable.find((candidate) => candidate.connectionId === message.connectionId)
    if (!named)
      return none(
        'the message names a connection that is deleted or disabled; enable it or cancel the message',
      )
    return { kind: 'candidates', rule: 'named', routeId: null, candidates: [named] }
  }
  const route = routeOf(routes, message)
  if (route) {
    const candidates = orderTargets(route, message.messageId).flatMap(
      (id) => usable.find((candidate) => candidate.connectionId === id) ?? [],
    )
    // The tenant chose where such mail is sent: no other connection may replace it.
    if (candidates.length === 0)
      return none('the matching route has no usable connection; enable one or change its targets')
    return { kind: 'candidates', rule: 'route', routeId: route.id, candidates }
  }
  if (usable.length > 0) return { kind: 'candidates', rule: 'priority', routeId: null, candidates: usable }
  // The tenant chose where its mail goes: no fallback may carry it elsewhere.
  return hasBroken
    ? none('no stored credentials can be read; store the credentials of your connections again')
    : null
}

/**
 * Selects the connections of a tenant that may carry a message. Test mode never leaves the gateway. Without any connection,
 * `fallback` carries the message (the capture provider of a development installation), or it is held.
 */
export function createRouter(deps: {
  tenants: Tenants
  sealer: Sealer
  providers: Record<string, Provider>
  fallback: 'capture' | 'hold'
  onError: (error: unknown) => void
}): Router {
  const cache = new LRUCache<string, Promise<Opened>>({ max: TENANTS_MAX, ttl: TTL_MS })

  async function open(tenantId: string, row: SealedConnection): Promise<Candidate | null> {
    const provider = deps.providers[row.provider]
    if (!provider) return null
    const credentials = await deps.sealer.unsealJson(
      { tenantId, table: 'connection', id: row.id },
      { sealed: row.sealedCredentials, dataKeyVersion: row.dataKeyVersion },
    )
    return {
      provider,
      connectionId: row.id,
      limits: row.limits,
      connection: {
        id: row.id,
        credentials: provider.credentials.parse(credentials),
        settings: provider.settings.parse(row.settings),
        credentialsSince: row.credentialsSince,
      },
    }
  }

  async function load(tenantId: string): Promise<Opened> {
    const { connections, routes } = await listSealedConnections(deps.tenants.forTenant(tenantId), tenantId)
    const opened: Opened = { usable: [], routes, hasBroken: false }
    for (const row of connections) {
      try {
        const candidate = await open(tenantId, row)
        if (candidate) opened.usable.push(candidate)
        else opened.hasBroken = true
      } catch (error) {
        // A database that did not answer says nothing about the connection: the message waits for its next claim.
        if (!(error instanceof SealBroken || error instanceof ZodError)) throw error
        // One connection that does not open must not keep the others from being used.
        deps.onError(error)
        opened.hasBroken = true
      }
    }
    if (!opened.usable.some(({ provider }) => provider.sendsAsGateway)) return opened
    const domains = await openOwnDomains(deps, tenantId)
    const withDomains = (candidate: Candidate) =>
      candidate.provider.sendsAsGateway ? { ...candidate, domains } : candidate
    return { ...opened, usable: opened.usable.map(withDomains) }
  }

  function openedOf(tenantId: string, version: number): Promise<Opened> {
    const key = `${tenantId} ${version}`
    const cached = cache.get(key)
    if (cached) return cached
    const loading = load(tenantId)
    cache.set(key, loading)
    loading.catch(() => cache.delete(key))
    return loading
  }

  function capture(): Route {
    const provider = deps.providers.capture
    if (!provider) return { kind: 'none', reason: 'the capture provider is missing' }
    const connection = { id: 'capture', credentials: {}, settings: {} }
    const candidates = [{ provider, connectionId: null, connection }]
    return { kind: 'candidates', rule: 'fallback', routeId: null, candidates }
  }

  return {
    async route(message) {
      if (message.mode === 'test') return capture()
      const chosen = chooseRoute(await openedOf(message.tenantId, message.connectionsVersion), message)
      if (chosen) return chosen
      return deps.fallback === 'capture'
        ? capture()
        : none('no connection is configured; add one with POST /v1/connections')
    },
  }
}
