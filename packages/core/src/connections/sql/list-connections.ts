import type { Queryable } from '@lettergate/db/pool'

/** What the tenant permits a connection at most. */
export type ConnectionLimits = {
  per_second?: number | undefined
  per_day?: number | undefined
  concurrency?: number | undefined
}

export type ConnectionRow = {
  id: string
  provider: string
  name: string
  priority: number
  settings: Record<string, unknown>
  limits: ConnectionLimits | null
  enabled: boolean
  created_at: Date
  updated_at: Date
  /** Null: they are those that it was made with. */
  credentials_rotated_at: Date | null
}

/** A tenant's connections in the order in which they are used; with `id`, that one alone. Never the credentials. */
export async function listConnectionRows(
  db: Queryable,
  tenantId: string,
  id: string | null = null,
): Promise<ConnectionRow[]> {
  const { rows } = await db.query<ConnectionRow>({
    name: 'connection-list',
    text: `
      select id, provider, name, priority, settings, limits, enabled, created_at, updated_at, credentials_rotated_at
      from connection where tenant_id = $1 and ($2::uuid is null or id = $2)
      order by priority, id`,
    values: [tenantId, id],
  })
  return rows
}
