import type { FeedEvent as PublicEvent } from '@lettergate/contracts/feed/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { eventStatuses } from '@lettergate/contracts/messages/event-types'
import { toConnectionName } from '../lib/index.ts'
import type { FeedEvent } from './read-feed.ts'

/** An event as the feed answers it and callbacks carry it. */
export function presentEvent(event: FeedEvent): PublicEvent {
  return {
    seq: event.seq,
    type: event.type,
    at: event.at.toISOString(),
    message_id: event.messageId && toPublicId('msg', event.messageId),
    recipient: event.address,
    status: eventStatuses[event.type] ?? null,
    reason: event.data?.reason ?? null,
    attempt: event.data?.attempt ?? null,
    detail: event.data?.detail ?? null,
    connection: event.connectionId && toConnectionName(event.connectionId),
    stream: event.stream,
    tags: event.tags,
    metadata: event.metadata,
  }
}
