import { toPublicId } from '@lettergate/contracts/lib/ids'
import { ListDeliveriesQuery } from '@lettergate/contracts/webhooks/requests'
import { type Delivery, DeliveryList } from '@lettergate/contracts/webhooks/responses'
import { type DeliveryInfo, listDeliveries } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, EndpointPath, problemAnswers } from '../../http/schemas.ts'

function presentDelivery(row: DeliveryInfo): Delivery {
  return {
    seq: row.seq,
    type: row.type,
    message_id: row.messageId && toPublicId('msg', row.messageId),
    at: row.at.toISOString(),
    number: row.number,
    ok: row.isOk,
    status: row.status,
    ms: row.ms,
    error: row.error,
    answer: row.answer,
    next_at: row.nextAt?.toISOString() ?? null,
  }
}

/** Lists the attempts at an endpoint. */
export function addListDeliveriesRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string }; Querystring: ListDeliveriesQuery }>('/v1/endpoints/:id/deliveries', {
    config: { scope: 'endpoints:read' },
    schema: {
      operationId: 'listDeliveries',
      summary: 'List deliveries',
      description:
        'Every attempt to send an event to the endpoint, newest first, with the answer of the URL. Attempts are kept for 30 days.',
      tags: ['Endpoints'],
      params: EndpointPath,
      querystring: ListDeliveriesQuery,
      response: {
        200: answer('A page of attempts.', DeliveryList),
        ...problemAnswers(400, 401, 403, 404, 422, 503),
      },
    },
    handler: async (request): Promise<DeliveryList> => {
      const { status, since, cursor, limit } = request.query
      const query = { status, since: since === undefined ? undefined : new Date(since), cursor, limit }
      const id = pathId('end', request.params.id)
      const { deliveries, nextCursor } = await listDeliveries(deps, tenantOf(request), id, query)
      return { data: deliveries.map(presentDelivery), next_cursor: nextCursor }
    },
  })
}
