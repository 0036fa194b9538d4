import type { InboundRoute } from '@lettergate/contracts/inbound/routes'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { InboundRouteRow } from '@lettergate/core/inbound'

/** Presents an inbound route. */
export function presentInboundRoute(row: InboundRouteRow): InboundRoute {
  return {
    id: toPublicId('inr', row.id),
    name: row.name,
    position: row.position,
    domain: row.domain,
    match: row.match,
    actions: row.actions.map((action) =>
      action.type === 'store' ? { type: 'store', mailbox: toPublicId('mbx', action.mailbox_id) } : action,
    ),
    enabled: row.enabled,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
