import { toPublicId } from '@lettergate/contracts/lib/ids'
import { isEventType } from '@lettergate/contracts/messages/event-types'
import { PageQuery } from '@lettergate/contracts/messages/requests'
import { type Event, EventList } from '@lettergate/contracts/messages/responses'
import { type EventRow, listEvents } from '@lettergate/core/messages'

import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

function presentEvent(event: EventRow, messageId: string): Event {
  if (!isEventType(event.type)) throw new Error(`an event has the unknown type ${event.type}`)
  return {
    seq: event.seq,
    type: event.type,
    at: event.at.toISOString(),
    message_id: toPublicId('msg', messageId),
    recipient: event.address,
    attempt: event.data?.attempt ?? null,
    reason: event.data?.reason ?? null,
    detail: event.data?.detail ?? null,
  }
}

/** Tells what happened to a message, oldest first. */
export const listEventsRoute = tenantRoute('GET', '/v1/messages/:id/events', {
  scope: 'messages:read',
  operationId: 'listMessageEvents',
  summary: 'List the events of a message',
  description: 'Everything that happened to the message and its recipients, oldest first.',
  id: 'msg',
  query: PageQuery,
  answers: { 200: answer('A page of events.', EventList) },
  problems: [400],
  handler: async ({ deps, tenant, id, query }) => {
    const { events, nextCursor } = await listEvents(deps, tenant, id, query)
    return { data: events.map((event) => presentEvent(event, id)), next_cursor: nextCursor }
  },
})
