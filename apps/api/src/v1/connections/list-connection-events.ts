import { ConnectionEvent, ConnectionEventList } from '@lettergate/contracts/connections/responses'
import { PageQuery } from '@lettergate/contracts/messages/requests'
import { isFailureCode } from '@lettergate/contracts/problems/failure-codes'
import { type ConnectionEventRow, EVENTS_KEPT, listConnectionEvents } from '@lettergate/core/connections'

import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, ConnectionPath, problemAnswers } from '../../http/schemas.ts'

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
export function addListConnectionEventsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string }; Querystring: PageQuery }>('/v1/connections/:id/events', {
    config: { scope: 'connections:read', liveOnly: true },
    schema: {
      operationId: 'listConnectionEvents',
      summary: 'List the events of a connection',
      description: `When the connection stopped working and when it worked again, oldest first. Events are kept for ${days} days, at most ${ofConnection} per connection. Needs a live key.`,
      tags: ['Connections'],
      params: ConnectionPath,
      querystring: PageQuery,
      response: {
        200: answer('A page of events.', ConnectionEventList),
        ...problemAnswers(400, 401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<ConnectionEventList> => {
      const id = pathId('con', request.params.id)
      const page = await listConnectionEvents(deps, tenantOf(request).tenantId, id, request.query)
      return {
        data: page.events.map((event) => presentEvent(event, request.params.id)),
        next_cursor: page.nextCursor,
      }
    },
  })
}
