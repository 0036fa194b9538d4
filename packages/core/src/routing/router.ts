import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Provider } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import { ZodError } from 'zod'
import type { Candidate, SealedConnection } from '../connections/index.ts'
import { type OwnDomains, openOwnDomains } from '../domains/index.ts'
import { POOL_TENANT_ID, readOnce } from '../lib/index.ts'
import { SealBroken, type Sealer } from '../secrets/index.ts'
import type { Incompatibility } from './capabilities.ts'
import type { Routable } from './match-route.ts'
import { senderFault } from './sender-fault.ts'
import { listSealedConnections, type RoutingRule } from './sql/list-sealed-connections.ts'
import { readPoolFacts, readSendingTerms, type SendingTerms } from './sql/read-sending-terms.ts'
import { targetsOf } from './targets.ts'

/** The rule that selected the connections. */
export type Rule = 'named' | 'route' | 'priority' | 'fallback'

export type Route =
  /** In the order in which they are preferred; at least one. `faults`: those that may not send from the message's sender, and why. */
  | {
      kind: 'candidates'
      rule: Rule
      routeId: string | null
      candidates: readonly Candidate[]
      faults?: ReadonlyMap<Candidate, Incompatibility>
    }
  /** No connection may carry it now. `isSuspended`: nor will one before the operator resumes the tenant, and the message is kept until then. */
  | { kind: 'none'; reason: string; isSuspended?: true }

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
  /** Of the pool's connections and settings; 0: there never were any. */
  poolVersion: number
}

/** A change of connections or routes is visible in their version immediately; this is how long opened credentials stay in memory. */
const TTL_MS = 60_000
const TENANTS_MAX = 2_000

type Opened = { usable: readonly Candidate[]; routes: RoutingRule[]; hasBroken: boolean }
type Own = Opened & { terms: SendingTerms }
type Pool = { usable: readonly Candidate[]; defaultFrom: string | null }

const NO_POOL: Pool = { usable: [], defaultFrom: null }

const none = (reason: string): Route => ({ kind: 'none', reason: `provider-required: ${reason}` })

const suspended = (why: string): Route => ({
  kind: 'none',
  reason: `tenant-suspended: the operator has suspended this tenant: ${why}`,
  isSuspended: true,
})

/** One connection that the message names, a route that fits it, or all by priority; null: there is none. */
function chooseRoute(own: Own, pool: Pool, message: Message): Route | null {
  const { usable, routes, hasBroken, terms } = own
  const judged = (rule: Rule, routeId: string | null, candidates: readonly Candidate[]): Route => {
    const faults = new Map<Candidate, Incompatibility>()
    for (const candidate of candidates) {
      const sending = { isPool: candidate.ownerId !== undefined, provider: candidate.provider.id }
      const fault = senderFault(sending, message.fromAddress, terms, pool.defaultFrom)
      if (fault) faults.set(candidate, fault)
    }
    return { kind: 'candidates', rule, routeId, candidates, faults }
  }
  if (message.connectionId !== null) {
    // One of the pool's is named only where an attempt by it is repeated.
    const named = [...usable, ...pool.usable].find(
      (candidate) => candidate.connectionId === message.connectionId,
    )
    if (!named)
      return none(
        'the message names a connection that is deleted or disabled; enable it or cancel the message',
      )
    return judged('named', null, [named])
  }
  const choices = { own: usable, pool: pool.usable, routes, terms }
  const { targets, routeId } = targetsOf(choices, message, ({ connectionId }) => connectionId)
  // The tenant chose where such mail is sent: no other connection may replace it.
  if (routeId !== null && targets.length === 0)
    return none('the matching route has no usable connection; enable one or change its targets')
  if (targets.length > 0) return judged(routeId === null ? 'priority' : 'route', routeId, targets)
  // The tenant chose where its mail goes: no fallback may carry it elsewhere.
  return hasBroken
    ? none('no stored credentials can be read; store the credentials of your connections again')
    : null
}

/**
 * Selects the connections that may carry a message: the tenant's own, and those of the shared pool. Test mode never leaves the gateway.
 * Without any connection, `fallback` carries the message (the capture provider of a development installation), or it is held.
 */
export function createRouter(deps: {
  tenants: Tenants
  sealer: Sealer
  providers: Record<string, Provider>
  fallback: 'capture' | 'hold'
  onError: (error: unknown) => void
}): Router {
  const owns = new LRUCache<string, Promise<Own>>({ max: TENANTS_MAX, ttl: TTL_MS })
  const domains = new LRUCache<string, Promise<OwnDomains>>({ max: TENANTS_MAX, ttl: TTL_MS })
  const pools = new LRUCache<number, Promise<Pool>>({ max: 2, ttl: TTL_MS })

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
      ...(tenantId === POOL_TENANT_ID && { ownerId: tenantId }),
    }
  }

  async function load(tenantId: string): Promise<Opened> {
    const db = deps.tenants.forTenant(tenantId)
    const { connections, routes } = await listSealedConnections(db, tenantId)
    const usable: Candidate[] = []
    let hasBroken = false
    for (const row of connections) {
      try {
        const candidate = await open(tenantId, row)
        if (candidate) usable.push(candidate)
        else hasBroken = true
      } catch (error) {
        // A database that did not answer says nothing about the connection: the message waits for its next claim.
        if (!(error instanceof SealBroken || error instanceof ZodError)) throw error
        // One connection that does not open must not keep the others from being used.
        deps.onError(error)
        hasBroken = true
      }
    }
    return { usable, routes, hasBroken }
  }

  /** Mail by this gateway's own address is signed by the domains of the tenant that sends, also through the pool. */
  async function withDomains(
    { tenantId, connectionsVersion }: Message,
    candidates: readonly Candidate[],
  ): Promise<readonly Candidate[]> {
    if (!candidates.some(({ provider }) => provider.sendsAsGateway)) return candidates
    const own = await readOnce(domains, `${tenantId} ${connectionsVersion}`, () =>
      openOwnDomains(deps, tenantId),
    )
    return candidates.map((candidate) =>
      candidate.provider.sendsAsGateway ? { ...candidate, domains: own } : candidate,
    )
  }

  async function loadOwn(tenantId: string): Promise<Own> {
    const db = deps.tenants.forTenant(tenantId)
    // A suspension raises the version too: no answer from before it is valid after it.
    // A suspension raises the version too: no answer from before it is valid after it.
    const [opened, terms] = await Promise.all([load(tenantId), readSendingTerms(db, tenantId)])
    return { ...opened, terms }
  }

  async function loadPool(): Promise<Pool> {
    const { usable } = await load(POOL_TENANT_ID)
    const { defaultFrom } = await readPoolFacts(deps.tenants.forTenant(POOL_TENANT_ID), POOL_TENANT_ID)
    return { usable, defaultFrom }
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
      const { tenantId, connectionsVersion, poolVersion } = message
      const own = await readOnce(owns, `${tenantId} ${connectionsVersion}`, () => loadOwn(tenantId))
      const { suspendedBecause } = own.terms
      if (suspendedBecause !== null) return suspended(suspendedBecause)
      const pool = poolVersion === 0 ? NO_POOL : await readOnce(pools, poolVersion, loadPool)
      const chosen = chooseRoute(
        { ...own, usable: await withDomains(message, own.usable) },
        { ...pool, usable: await withDomains(message, pool.usable) },
        message,
      )
      if (chosen) return chosen
      return deps.fallback === 'capture'
        ? capture()
        : none('no connection is configured; add one with POST /v1/connections')
    },
  }
}
