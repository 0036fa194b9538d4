import type { Queryable } from '@lettergate/db/pool'

export const QUEUED_PHASES = ['ready', 'held', 'waiting'] as const
export type QueuedPhase = (typeof QUEUED_PHASES)[number]

export type QueuedPage = {
  /** Messages of the page that name the connection. */
  ids: string[]
  /** Where the next page begins; null: this was the last. */
  after: string | null
}

/** The phase is part of the text: each has an index of its own. */
const textOf = (phase: QueuedPhase) => `
with page as materialized (
  select message_id, mode from outbox
  where tenant_id = $1 and phase = '${phase}' and message_id > $2
  order by message_id limit $4
)
select p.message_id, p.mode = 'live' and m.connection_id is not distinct from $3 as named
from page p
cross join lateral (
  select connection_id from message m where m.tenant_id = $1 and m.id = p.message_id limit 1
) m
order by p.message_id`

/**
 * One page of a tenant's backlog, and the messages in it that name this connection. Pages count the rows read, not the rows
 * found: a page takes the same time for any backlog and any number of matches. In test mode no connection is used, also if a message names one.
 */
export async function listPinned(
  db: Queryable,
  tenantId: string,
  connectionId: string,
  at: { phase: QueuedPhase; after: string; limit: number },
): Promise<QueuedPage> {
  const { rows } = await db.query<{ message_id: string; named: boolean }>({
    name: `queued-page-${at.phase}`,
    text: textOf(at.phase),
    values: [tenantId, at.after, connectionId, at.limit],
  })
  const last = rows.at(-1)
  return {
    ids: rows.filter(({ named }) => named).map((row) => row.message_id),
    after: last && rows.length === at.limit ? last.message_id : null,
  }
}
