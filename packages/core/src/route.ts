import { listSealedConnections, type SealedConnection } from '@lettergate/db/sql/list-sealed-connections'
import type { Tenants } from '@lettergate/db/tenant-database'
import type { Provider, ProviderConnection } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import { ZodError } from 'zod'
import { SealBroken, type Sealer } from './sealing.ts'

export type Route =
  | {
      kind: 'route'
      provider: Provider
      connection: ProviderConnection<unknown, unknown>
      connectionId: string | null
    }
  /** No connection may carry it now. */
  | { kind: 'none'; reason: string }

export type Router = {
  /** Which connection carries this message. */
  route(message: {
    tenantId: string
    mode: 'live' | 'test'
    connectionId: string | null
    connectionsVersion: number
  }): Promise<Route>
}

/** A change of connections shows in their version at once; this is how long opened credentials stay in memory. */
const TTL_MS = 60_000
const TENANTS_MAX = 2_000

type Usable = Extract<Route, { kind: 'route' }>
type Connections = { usable: Usable[]; hasBroken: boolean }

/**
 * Chooses among a tenant's connections by priority. Test mode never leaves the gateway. Without any connection,
 * `fallback` carries the message (the capture provider of a development installation), or it is held.
 */
export function createRouter(deps: {
  tenants: Tenants
  sealer: Sealer
  providers: Record<string, Provider>
  fallback: 'capture' | 'hold'
  onError: (error: unknown) => void
}): Router {
  const cache = new LRUCache<string, Promise<Connections>>({ max: TENANTS_MAX, ttl: TTL_MS })

  async function open(tenantId: string, row: SealedConnection): Promise<Usable | null> {
    const provider = deps.providers[row.provider]
    if (!provider) return null
    const credentials = await deps.sealer.unsealCredentials(
      { tenantId, table: 'connection', id: row.id },
      { sealed: row.sealedCredentials, dataKeyVersion: row.dataKeyVersion },
    )
    return {
      kind: 'route',
      provider,
      connectionId: row.id,
      connection: {
        id: row.id,
        credentials: provider.credentials.parse(credentials),
        settings: provider.settings.parse(row.settings),
      },
    }
  }

  async function load(tenantId: string): Promise<Connections> {
    const connections: Connections = { usable: [], hasBroken: false }
    for (const row of await listSealedConnections(deps.tenants.forTenant(tenantId), tenantId)) {
      try {
        const opened = await open(tenantId, row)
        if (opened) connections.usable.push(opened)
        else connections.hasBroken = true
      } catch (error) {
        // A database that did not answer says nothing about the connection: the message waits for its next claim.
        if (!(error instanceof SealBroken || error instanceof ZodError)) throw error
        // One connection that does not open must not keep the others from being used.
        deps.onError(error)
        connections.hasBroken = true
      }
    }
    return connections
  }

  function connectionsOf(tenantId: string, version: number): Promise<Connections> {
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
    return {
      kind: 'route',
      provider,
      connectionId: null,
      connection: { id: 'capture', credentials: {}, settings: {} },
    }
  }

  return {
    async route(message) {
      if (message.mode === 'test') return capture()
      const { usable, hasBroken } = await connectionsOf(message.tenantId, message.connectionsVersion)
      if (message.connectionId !== null) {
        const named = usable.find((connection) => connection.connectionId === message.connectionId)
        return (
          named ?? {
            kind: 'none',
            reason: 'provider-required: the connection that the message names is gone or disabled',
          }
        )
      }
      const first = usable[0]
      if (first) return first
      // The tenant chose where its mail goes: no fallback may carry it elsewhere.
      if (hasBroken)
        return { kind: 'none', reason: 'provider-required: no connection of yours can be opened' }
      if (deps.fallback === 'capture') return capture()
      return { kind: 'none', reason: 'provider-required: create a connection at /v1/connections' }
    },
  }
}
