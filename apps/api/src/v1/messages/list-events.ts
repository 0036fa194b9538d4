import { toPublicId } from '@lettergate/contracts/lib/ids'
import { isEventType } from '@lettergate/contracts/messages/event-types'
import { PageQuery } from '@lettergate/contracts/messages/requests'
import { type Event, EventList } from '@lettergate/contracts/messages/responses'
import { type EventRow, listEvents } from '@lettergate/core/messages'

import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'

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
export function addListEventsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string }; Querystring: PageQuery }>('/v1/messages/:id/events', {
    config: { scope: 'messages:read' },
    schema: {
      operationId: 'listMessageEvents',
      summary: 'List the events of a message',
      description: 'Everything that happened to the message and its recipients, oldest first.',
      tags: ['Messages'],
      params: MessagePath,
      querystring: PageQuery,
      response: {
        200: answer('A page of events.', EventList),
        ...problemAnswers(400, 401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<EventList> => {
      const id = pathId('msg', request.params.id)
      const { events, nextCursor } = await listEvents(deps, tenantOf(request), id, request.query)
      return { data: events.map((event) => presentEvent(event, id)), next_cursor: nextCursor }
    },
  })
}
