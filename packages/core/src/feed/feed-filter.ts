import { type EventType, numberOfType } from '@lettergate/contracts/messages/event-types'
import { POOL_TARGET, POOL_TENANT_ID } from '../lib/index.ts'
import type { FeedRow, FeedFilter as FilterValues } from './sql/read-feed.ts'

/** What a reader wants of a tenant's events; empty: all. */
export type FeedFilter = {
  types?: readonly EventType[] | undefined
  /** `pool` for any of the shared pool. */
  connectionId?: string | undefined
  messageId?: string | undefined
}

export function filterValues({ types, connectionId, messageId }: FeedFilter, mode: string): FilterValues {
  return {
    mode,
    types: types?.map(numberOfType) ?? null,
    connectionId: connectionId === POOL_TARGET ? POOL_TENANT_ID : (connectionId ?? null),
    messageId: messageId ?? null,
  }
}

/** The same for a row that was read without a filter. */
export function matches(row: FeedRow, { types, connectionId, messageId }: FilterValues): boolean {
  return (
    (types === null || types.includes(row.type)) &&
    (connectionId === null || row.connectionId === connectionId) &&
    (messageId === null || row.messageId === messageId)
  )
}
