import type { Carried } from './capabilities.ts'

/**
 * How the shared pool concerns a message, as the tenant's connections, routes, domains and choices say when it is accepted:
 * `no`: it goes by an own connection, and the pool's limit says nothing of it. `may`: by the pool while there is room, else by an own
 * connection. `must`: only the pool can carry it; without room, `overflow` decides.
 */
export type PoolWay = {
  pool: 'no' | 'may' | 'must'
  overflow: 'reject' | 'hold'
  /**
   * The version of the tenant's connections that this was read at: accept refuses a decision of an older one, and it is made again. Null: the
   * gateway has no pool, so nothing depends on it.
   */
  connectionsVersion: number | null
}

export type PoolWays = {
  /** By what is known of the tenant's connections, if that is not older than `atLeast`; else they are read anew. */
  wayOf(tenantId: string, message: PoolMessage, atLeast: number): Promise<PoolWay>
}

/** What the way depends on. */
export type PoolMessage = {
  stream: 'transactional' | 'bulk'
  tags: readonly string[]
  fromAddress: string
  recipients: readonly { address: string }[]
  /** The connection that the request names. */
  connectionId: string | null
  /** What it asks of a provider; absent: nothing that providers differ in. */
  carried?: Carried
}
