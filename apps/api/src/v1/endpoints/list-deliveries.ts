import { toPublicId } from '@lettergate/contracts/lib/ids'
import { ListDeliveriesQuery } from '@lettergate/contracts/webhooks/requests'
import { type Delivery, DeliveryList } from '@lettergate/contracts/webhooks/responses'
import { type DeliveryInfo, listDeliveries } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

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
export const listDeliveriesRoute = tenantRoute('GET', '/v1/endpoints/:id/deliveries', {
  scope: 'endpoints:read',
  operationId: 'listDeliveries',
  summary: 'List deliveries',
  description:
    'Every attempt to send an event to the endpoint, newest first, with the answer of the URL. Attempts are kept for 30 days.',
  id: 'end',
  query: ListDeliveriesQuery,
  answers: { 200: answer('A page of attempts.', DeliveryList) },
  problems: [400],
  handler: async ({ deps, tenant, id, query: { status, since, cursor, limit } }) => {
    const query = { status, since: since === undefined ? undefined : new Date(since), cursor, limit }
    const { deliveries, nextCursor } = await listDeliveries(deps, tenant, id, query)
    return { data: deliveries.map(presentDelivery), next_cursor: nextCursor }
  },
})
