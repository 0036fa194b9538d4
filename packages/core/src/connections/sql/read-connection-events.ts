import type { Queryable } from '@lettergate/db/pool'

export type ConnectionEventRow = {
  seq: number
  type: string
  code: string | null
  reason: string | null
  at: Date
}

/** The events of a connection after a sequence number (-1: from the first), in the order in which they happened. */
export async function readConnectionEvents(
  db: Queryable,
  connection: { tenantId: string; id: string },
  page: { after: number; limit: number },
): Promise<ConnectionEventRow[]> {
  const { rows } = await db.query<ConnectionEventRow>({
    name: 'read-connection-events',
    text: `
      select seq, type, code, reason, at from connection_event
      where tenant_id = $1 and connection_id = $2 and seq > $3
      order by seq limit $4`,
    values: [connection.tenantId, connection.id, page.after, page.limit],
  })
  return rows
}
