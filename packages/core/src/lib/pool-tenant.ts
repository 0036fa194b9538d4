/** The tenant of the operator's that the connections of the shared pool belong to. Made by a migration; it has no keys. */
export const POOL_TENANT_ID = '00000000-0000-0000-0000-000000000001'

/** Names the pool as a whole, where a connection is named: in the targets of a route, and for tenants who read of an attempt by it. */
export const POOL_TARGET = 'pool'
