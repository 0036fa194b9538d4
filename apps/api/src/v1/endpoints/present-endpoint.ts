import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Endpoint } from '@lettergate/contracts/webhooks/responses'
import type { EndpointInfo } from '@lettergate/core/webhooks'

const orAll = (list: string[]) => (list.length === 0 ? null : list)

/** Presents an endpoint. */
export function presentEndpoint({ state, headerNames, ...row }: EndpointInfo): Endpoint {
  return {
    id: toPublicId('end', row.id),
    url: row.url,
    description: row.description,
    types: orAll(row.types),
    tags: orAll(row.tags),
    streams: orAll(row.streams),
    header_names: headerNames,
    format: row.format,
    max_events: row.max_events,
    max_wait_ms: row.max_wait_ms,
    enabled: row.enabled,
    disabled_reason: row.disabled_reason,
    disabled_at: row.disabled_at?.toISOString() ?? null,
    failing_since: state?.failingSince?.toISOString() ?? null,
    paused_until: state?.pausedUntil?.toISOString() ?? null,
    last_success_at: state?.lastSuccessAt?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
