import { toPublicId } from '@lettergate/contracts/ids'
import type { Connection } from '@lettergate/contracts/responses'
import type { ConnectionRow } from '@lettergate/db/sql/connection-list'

/** What leaves the server of a connection. */
export function presentConnection(row: ConnectionRow): Connection {
  return {
    id: toPublicId('con', row.id),
    provider: row.provider,
    name: row.name,
    priority: row.priority,
    settings: row.settings,
    enabled: row.enabled,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
