import { toPublicId } from '@lettergate/contracts/lib/ids'

/** The tenant of the operator's that the connections of the shared pool belong to. Made by a migration; it has no keys. */
export const POOL_TENANT_ID = '00000000-0000-0000-0000-000000000001'

/** Its plan, which no other tenant has. */
export const POOL_PLAN = 'operator'

/** Names the pool as a whole, where a connection is named: in the targets of a route, and for tenants who read of an attempt by it. */
export const POOL_TARGET = 'pool'

/** A connection as tenants read of it: the ids of the pool's connections are the operator's own affair, and in the feed its tenant stands for them. */
export function toConnectionName(id: string): string {
  return id === POOL_TENANT_ID || id === POOL_TARGET ? POOL_TARGET : toPublicId('con', id)
}

/** Shown for a message that waits for the pool alone. */
export const NO_POOL_SHARE =
  'provider-required: the share of the common pool is used up for today. Add a connection of your own; otherwise the message waits for the next day (UTC).'
