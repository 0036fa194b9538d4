import { ConnectionEvent, ConnectionEventList } from '@lettergate/contracts/connections/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { PageQuery } from '@lettergate/contracts/messages/requests'
import { isFailureCode } from '@lettergate/contracts/problems/failure-codes'
import { type ConnectionEventRow, EVENTS_KEPT, listConnectionEvents } from '@lettergate/core/connections'

import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

const { days, ofConnection } = EVENTS_KEPT

function presentEvent(event: ConnectionEventRow, connectionId: string): ConnectionEvent {
  return {
    seq: event.seq,
    type: ConnectionEvent.shape.type.parse(event.type),
    at: event.at.toISOString(),
    connection_id: connectionId,
    code: event.code !== null && isFailureCode(event.code) ? event.code : null,
    reason: event.reason,
  }
}

/** Shows when a connection stopped working and when it worked again. */
export const listConnectionEventsRoute = tenantRoute('GET', '/v1/connections/:id/events', {
  scope: 'connections:read',
  liveOnly: true,
  operationId: 'listConnectionEvents',
  summary: 'List the events of a connection',
  description: `When the connection stopped working and when it worked again, oldest first. Events are kept for ${days} days, at most ${ofConnection} per connection. Needs a live key.`,
  id: 'con',
  query: PageQuery,
  answers: { 200: answer('A page of events.', ConnectionEventList) },
  problems: [400],
  handler: async ({ deps, tenantId, id, query }) => {
    const page = await listConnectionEvents(deps, tenantId, id, query)
    return {
      data: page.events.map((event) => presentEvent(event, toPublicId('con', id))),
      next_cursor: page.nextCursor,
    }
  },
})
