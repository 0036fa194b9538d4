import type { Connection, ConnectionHealth } from '@lettergate/contracts/connections/responses'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { isFailureCode } from '@lettergate/contracts/problems/failure-codes'
import type { ConnectionState } from '@lettergate/core/connections'

function presentHealth(health: ConnectionState['health']): ConnectionHealth {
  return {
    state: health?.state ?? 'closed',
    since: health?.since?.toISOString() ?? null,
    // A newer release may know more.
    code: health?.code && isFailureCode(health.code) ? health.code : null,
    reason: health?.reason ?? null,
    paused_until: health?.paused_until?.toISOString() ?? null,
    concurrency: health?.concurrency ?? null,
  }
}

/** Presents a connection. */
export function presentConnection(row: ConnectionState): Connection {
  return {
    id: toPublicId('con', row.id),
    provider: row.provider,
    name: row.name,
    priority: row.priority,
    settings: row.settings,
    limits: row.limits ?? {},
    enabled: row.enabled,
    health: presentHealth(row.health),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    credentials_rotated_at: row.credentials_rotated_at?.toISOString() ?? null,
  }
}
